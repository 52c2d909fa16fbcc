import type { Logger } from 'pino';
import type { Environment } from './exporters.ts';

export interface VariableSource {
  readonly env: Environment;
  readonly log: Pick<Logger, 'warn'>;
}

/** Node takes a longer one for 1 ms. */
const timerMsMax = 2 ** 31 - 1;

/**
 * A number above zero. What is none is told, and counts as not set.
 * https://opentelemetry.io/docs/specs/otel/configuration/common/#numeric
 */
export function positive(
  { env, log }: VariableSource,
  variable: string,
  max = Number.POSITIVE_INFINITY,
): number | undefined {
  const text = env[variable]?.trim();
  if (!text) return undefined;
  const value = Number(text);
  if (value > 0 && value <= max) return value;
  log.warn(`${variable}: '${text}' cannot be used; the default holds`);
  return undefined;
}

/** ms. */
export function duration(source: VariableSource, variable: string): number | undefined {
  return positive(source, variable, timerMsMax);
}
