import type { Limits } from '../../limits.ts';

type RetryLimits = Pick<Limits, 'alertRetryDelayMs' | 'alertRetryDelayMsMax'>;

/**
 * The wait before the next try, in ms: it doubles with each, and a random half of it keeps instances from coming
 * all at once. Where the receiver asks for more, it gets that, up to the limit.
 *
 * @param tries Those that have failed, 1 or more.
 * @param retryAfterMs What the receiver asked for; 0 where it did not.
 * @param random From 0 up to 1.
 */
export function retryDelay(
  tries: number,
  retryAfterMs: number,
  { alertRetryDelayMs, alertRetryDelayMsMax }: RetryLimits,
  random: number,
): number {
  const whole = Math.min(alertRetryDelayMs * 2 ** (tries - 1), alertRetryDelayMsMax);
  const own = whole / 2 + (whole / 2) * random;
  return Math.max(own, Math.min(retryAfterMs, alertRetryDelayMsMax));
}

/**
 * `retry-after`, seconds or a date, in ms from now; 0 where it says nothing.
 * https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function readRetryAfter(value: string | null, now: number): number {
  if (value === null) return 0;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1_000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}
