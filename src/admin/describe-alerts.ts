import type { Alerts } from '../alerts/alerts.ts';
import { describeAlert } from '../alerts/describe-alert.ts';
import type { Threshold } from '../alerts/threshold.ts';
import type { AlertsView } from './api/alerts.ts';

/** The alerts with their state, as `/api/alerts` shows them. */
export function describeAlerts({ all, thresholds, evaluatedAt }: Alerts): AlertsView {
  const byId = new Map(thresholds.map((threshold) => [threshold.id, threshold]));
  return {
    /** What has happened since, nobody has looked at. */
    ...(evaluatedAt !== undefined && { evaluatedAt: new Date(evaluatedAt).toISOString() }),
    alerts: all.map((alert) => {
      // Each alert is one of a threshold.
      const { field, windowMs, holdMs, keepMs } = byId.get(alert.id) as Threshold;
      return { ...describeAlert(alert), field, windowMs, holdMs, keepMs };
    }),
  };
}
