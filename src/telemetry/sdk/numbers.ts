import type { Environment } from './exporters.ts';

/** Node takes a longer one for 1 ms. */
const timerMsMax = 2 ** 31 - 1;

/** The largest that can be used. Those of time are in ms. */
const numbers = {
  OTEL_BSP_MAX_QUEUE_SIZE: Number.POSITIVE_INFINITY,
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: Number.POSITIVE_INFINITY,
  OTEL_BSP_SCHEDULE_DELAY: timerMsMax,
  OTEL_BSP_EXPORT_TIMEOUT: timerMsMax,
  OTEL_BLRP_MAX_QUEUE_SIZE: Number.POSITIVE_INFINITY,
  OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: Number.POSITIVE_INFINITY,
  OTEL_BLRP_SCHEDULE_DELAY: timerMsMax,
  OTEL_BLRP_EXPORT_TIMEOUT: timerMsMax,
  OTEL_METRIC_EXPORT_INTERVAL: timerMsMax,
  OTEL_METRIC_EXPORT_TIMEOUT: timerMsMax,
} as const;

type NumberVariable = keyof typeof numbers;

export const numberVariables = Object.keys(numbers) as NumberVariable[];

/**
 * A number above zero. What is none counts as not set.
 * https://opentelemetry.io/docs/specs/otel/configuration/common/#numeric
 */
export function positive(env: Environment, variable: NumberVariable): number | undefined {
  const value = Number(env[variable]?.trim());
  return value > 0 && value <= numbers[variable] ? value : undefined;
}
