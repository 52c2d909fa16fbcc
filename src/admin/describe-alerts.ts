import type { Alerts } from '../alerts/alerts.ts';
import { describeAlert } from '../alerts/describe-alert.ts';

/** The alerts with their state, as `/api/alerts` shows them. */
export function describeAlerts({ all, evaluatedAt }: Alerts) {
  return {
    /** What has happened since, nobody has looked at; absent before the first time. */
    evaluatedAt: evaluatedAt === undefined ? undefined : new Date(evaluatedAt).toISOString(),
    alerts: all.map(describeAlert),
  };
}
