import type { ExchangeLine } from '../../../admin/api/exchanges.ts';

const steps = [1, 2, 5];

/**
 * The duration that fills a bar, ms: the 95th percentile of what is shown, rounded up so that bars do not jump with
 * each row that comes. Sessions are left out: they last as long as somebody is there.
 */
export function durationScale(lines: readonly ExchangeLine[]): number {
  const durations = lines
    .filter(({ kind }) => kind !== 'session')
    .map(({ durationMs }) => durationMs)
    .sort((a, b) => a - b);
  const p95 = durations[Math.max(0, Math.ceil(durations.length * 0.95) - 1)] ?? 0;
  return roundUp(Math.max(1, p95));
}

function roundUp(value: number): number {
  const decade = 10 ** Math.floor(Math.log10(value));
  const step = steps.find((candidate) => candidate * decade >= value) ?? 10;
  return step * decade;
}
