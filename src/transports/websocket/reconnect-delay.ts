import type { Limits } from '../../limits.ts';

/**
 * The wait before the next try to connect, in ms: it doubles with each, and a random half of it keeps those who
 * lost the same hub from coming back all at once.
 *
 * @param tries Those that have failed, 1 or more.
 * @param random From 0 up to 1.
 */
export function reconnectDelay(
  tries: number,
  { reconnectDelayMs, reconnectDelayMsMax }: Pick<Limits, 'reconnectDelayMs' | 'reconnectDelayMsMax'>,
  random: number,
): number {
  const whole = Math.min(reconnectDelayMs * 2 ** (tries - 1), reconnectDelayMsMax);
  return whole / 2 + (whole / 2) * random;
}
