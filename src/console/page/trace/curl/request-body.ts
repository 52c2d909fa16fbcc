import type { TraceSpan } from '../../../../admin/api/traces.ts';
import { attribute } from '../../../../telemetry/names.ts';
import { numberOf, textOf } from '../span-facts.ts';
import { messagesFor } from './request-messages.ts';

type Json = Record<string, unknown>;

/** The names that APIs have for the same parameter. */
const maxTokensKeys: Readonly<Record<string, string>> = {
  'openai.responses': 'max_output_tokens',
};

/** Anthropic's API wants to be told. */
const maxTokensDefault = 256;

/**
 * A query like the one that this span tells of: model and parameters as they were, what was said where that is
 * captured, else a placeholder. Undefined of a dialect that takes no JSON over HTTP.
 */
export function requestBody(span: TraceSpan, dialect: string | undefined): Json | undefined {
  const said = messagesFor(span, dialect);
  if (said === undefined) return undefined;
  const isEmbedding = dialect === 'openai.embeddings';
  return known({
    model: textOf(span, attribute.genAiRequestModel),
    stream: span.attributes[attribute.genAiRequestStream] === true || undefined,
    ...(!isEmbedding && parameters(span, dialect)),
    ...said,
  });
}

function parameters(span: TraceSpan, dialect: string | undefined): Json {
  const isAnthropic = dialect === 'anthropic.messages';
  const stops = span.attributes[attribute.genAiRequestStopSequences];
  const maxTokens = numberOf(span, attribute.genAiRequestMaxTokens);
  return {
    [maxTokensKeys[dialect ?? ''] ?? 'max_tokens']: maxTokens ?? (isAnthropic ? maxTokensDefault : undefined),
    temperature: numberOf(span, attribute.genAiRequestTemperature),
    top_p: numberOf(span, attribute.genAiRequestTopP),
    top_k: numberOf(span, attribute.genAiRequestTopK),
    frequency_penalty: numberOf(span, attribute.genAiRequestFrequencyPenalty),
    presence_penalty: numberOf(span, attribute.genAiRequestPresencePenalty),
    [isAnthropic ? 'stop_sequences' : 'stop']: stops,
    seed: numberOf(span, attribute.genAiRequestSeed),
    n: numberOf(span, attribute.genAiRequestChoiceCount),
  };
}

function known(sparse: Json): Json {
  return Object.fromEntries(Object.entries(sparse).filter(([, value]) => value !== undefined));
}
