/**
 * A slice for each in turn, so that whatever else the machine does hits all of them; every other round in
 * reverse, so that nobody always comes after the same one.
 */
export async function inTurn<S, R>(
  subjects: readonly S[],
  rounds: number,
  slice: (subject: S) => Promise<R>,
): Promise<Map<S, R[]>> {
  const results = new Map<S, R[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      results.get(subject)?.push(await slice(subject));
    }
  }
  return results;
}

/** `share` 0.5 is the median; between two values it takes the nearer one in proportion. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position % 1);
}

/** Round by round: a bad moment of the machine is in both. */
export function ratios(values: readonly number[], units: readonly number[]): number[] {
  return values.map((value, i) => value / (units[i] ?? Number.NaN));
}
