import type { Threshold, ThresholdOverride } from './threshold.ts';
import { thresholds } from './thresholds.ts';

/** The thresholds as the configuration wants them, by id; those that it disables are left out. */
export function effectiveThresholds(
  overrides: Readonly<Partial<Record<string, ThresholdOverride>>>,
): readonly Threshold[] {
  return thresholds.flatMap((row) => {
    const { enabled = true, ...own } = overrides[row.id] ?? {};
    const given = Object.entries(own).filter(([, value]) => value !== undefined);
    return enabled ? [{ ...row, ...Object.fromEntries(given) }] : [];
  });
}

/** The longest time that any of them looks back. */
export function windowMaxMs(all: readonly Threshold[]): number {
  return Math.max(0, ...all.map(({ windowMs }) => windowMs));
}
