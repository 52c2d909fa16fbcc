/** So many samples, one a step: what the counter grows by with each, or where the gauge stands. */
export interface Stretch {
  readonly value: number;
  readonly steps: number;
}

/** A sample at the beginning and the stretches behind it, as promtool writes series: `0+2x10 25+5x4`. */
export function seriesNotation(kind: 'counter' | 'gauge', stretches: readonly Stretch[]): string {
  const parts: string[] = [];
  let last = kind === 'counter' ? 0 : (stretches[0]?.value ?? 0);
  for (const { value, steps } of stretches) {
    if (steps === 0) continue;
    const growth = kind === 'counter' ? value : 0;
    const first = parts.length === 0 ? last : kind === 'counter' ? last + growth : value;
    const more = parts.length === 0 ? steps : steps - 1;
    parts.push(`${first}+${growth}x${more}`);
    // Added up one by one as promtool does: a counter that seemed to fall, if by a rounding, were a reset.
    last = first;
    for (let step = 0; step < more; step++) last += growth;
  }
  return parts.join(' ');
}
