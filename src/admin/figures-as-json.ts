/**
 * For `JSON.stringify`: fractions with as many digits as anybody reads, six, and three behind the point of large ones
 * (of times in ms: microseconds). Measuring is no more exact, and 782.6086956521739 is hard to read.
 */
export function figuresAsJson(_key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isInteger(value)) return value;
  return Math.abs(value) < 1_000 ? Number(value.toPrecision(6)) : Math.round(value * 1_000) / 1_000;
}
