const units: readonly (readonly [ms: number, letter: string])[] = [
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
];

/** A time as PromQL and the rules of Prometheus write it: `5m`. */
export function duration(ms: number): string {
  const unit = units.find(([size]) => ms > 0 && ms % size === 0);
  if (unit) return `${ms / unit[0]}${unit[1]}`;
  return ms === 0 ? '0s' : `${ms}ms`;
}
