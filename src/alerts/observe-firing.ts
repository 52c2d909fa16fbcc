import type { Attributes, ObservableGauge } from '@opentelemetry/api';
import type { Limits } from '../limits.ts';
import { LabelBounds } from '../telemetry/metrics/labels.ts';
import { attribute } from '../telemetry/names.ts';
import type { ThresholdAlerts } from './threshold-alerts.ts';

interface Point {
  readonly attributes: Attributes;
  readonly isFiring: boolean;
}

/**
 * Shows on the gauge what fires: 1 for each alert that does, 0 for each that does not, also where it is no more. What
 * is pushed cannot say that a series has ended, and in the SDK a gauge that is told no more stays as it was.
 */
export function observeFiring(
  gauge: Pick<ObservableGauge, 'addCallback'>,
  thresholds: readonly ThresholdAlerts[],
  { labelValuesMax }: Pick<Limits, 'labelValuesMax'>,
): void {
  const labels = new LabelBounds(labelValuesMax);
  const ever = new Map<string, Attributes>();
  gauge.addCallback((result) => {
    const firing = new Set<string>();
    for (const { attributes, isFiring } of thresholds.flatMap((one) => pointsOf(one, labels))) {
      const key = JSON.stringify(attributes);
      ever.set(key, attributes);
      if (isFiring) firing.add(key);
    }
    for (const [key, attributes] of ever) result.observe(firing.has(key) ? 1 : 0, attributes);
  });
}

function pointsOf({ threshold: { by }, all }: ThresholdAlerts, labels: LabelBounds): Point[] {
  return all.flatMap(({ id, severity, of, state }) => {
    // Where it looks at several, that of none is no series.
    if (by !== undefined && of === undefined) return [];
    const own = by !== undefined && of !== undefined && { [by]: labels.bound(by, of) };
    const attributes = { [attribute.alert]: id, [attribute.alertSeverity]: severity, ...own };
    return [{ attributes, isFiring: state === 'firing' }];
  });
}
