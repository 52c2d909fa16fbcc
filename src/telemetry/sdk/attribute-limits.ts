import type { Limits } from '../../limits.ts';
import type { ContentPlaces } from '../content-places.ts';
import type { Environment } from './exporters.ts';

/**
 * The longest text of an attribute, as the standard variables have it; undefined where they do not say.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#attribute-limits
 */
export function valueCharsMax(env: Environment, of: 'SPAN' | 'LOGRECORD'): number | undefined {
  return whole(env[`OTEL_${of}_ATTRIBUTE_VALUE_LENGTH_LIMIT`] || env.OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT);
}

/**
 * Ours, where the standard variables, which the SDK reads itself, set none. The SDK has one bound for all attributes,
 * and prompts are longer than anything else: where spans tell them, others may be as long.
 */
export function spanLimits(env: Environment, limits: Limits, content: ContentPlaces) {
  if (env.OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT || env.OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT) return {};
  return { attributeValueLengthLimit: longest(limits, content.isOnSpans) };
}

export function logRecordLimits(env: Environment, limits: Limits, content: ContentPlaces) {
  const count = env.OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT || env.OTEL_ATTRIBUTE_COUNT_LIMIT;
  return {
    attributeValueLengthLimit: valueCharsMax(env, 'LOGRECORD') ?? longest(limits, content.isInEvents),
    attributeCountLimit: whole(count) ?? 128,
  };
}

function longest({ attributeCharsMax, contentCharsMax }: Limits, hasContent: boolean): number {
  return hasContent ? Math.max(attributeCharsMax, contentCharsMax) : attributeCharsMax;
}

function whole(text: string | undefined): number | undefined {
  const value = Number(text);
  return text && Number.isFinite(value) && value >= 0 ? value : undefined;
}
