/** As Go's `ParseFloat` reads it. */
export function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

/**
 * A bucket's bound, in the one form that OpenMetrics wants and Prometheus 3 makes of any other: as Go writes a
 * float in the shortest way, with a `.0` where it would be taken for an integer. It stands on the classic page
 * as well: a Prometheus that changes from one page to the other goes on with the same series.
 * https://prometheus.io/docs/specs/om/open_metrics_spec/#considerations-canonical-numbers
 */
export function boundText(bound: number): string {
  if (!Number.isFinite(bound)) return numberText(bound);
  const [digits = '', power = ''] = bound.toExponential().split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 6) {
    const sign = exponent < 0 ? '-' : '+';
    return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const text = String(bound);
  return text.includes('.') ? text : `${text}.0`;
}
