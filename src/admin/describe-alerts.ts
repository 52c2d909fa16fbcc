import type { Alerts } from '../alerts/alerts.ts';
import { describeAlert } from '../alerts/describe-alert.ts';

/** The alerts with their state, as `/api/alerts` shows them. */
export function describeAlerts(alerts: Alerts) {
  return { alerts: alerts.all.map(describeAlert) };
}
