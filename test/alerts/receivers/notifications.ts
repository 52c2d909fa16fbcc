import type { Alert } from '../../../src/alerts/alert.ts';
import { type AlertNotification, notificationOf } from '../../../src/alerts/receivers/notification.ts';
import { threshold } from '../fakes.ts';

export const identity = { name: 'sightline', namespace: undefined, instanceId: 'instance-1', host: 'host-1' };

export const row = threshold({
  id: 'upstream-unreachable',
  title: 'Unreachable upstream',
  by: 'sightline.upstream',
  comparison: 'below',
  limit: 1,
  isYesOrNo: true,
  severity: 'critical',
  summary: 'An upstream gives no answer.',
});

/** Times are ms since the epoch. */
export function firing(at: number, of = 'default'): AlertNotification {
  return notificationOf({ ...shown(of), state: 'firing', value: 0, since: at, firedAt: at }, row, identity);
}

export function resolved(firedAt: number, at: number, of = 'default'): AlertNotification {
  return notificationOf({ ...shown(of), state: 'resolved', value: 1, since: at, firedAt }, row, identity);
}

function shown(of: string): Omit<Alert, 'state' | 'value' | 'since' | 'firedAt'> {
  const { id, title, comparison, limit, unit, severity, summary, action } = row;
  return { id, title, of, comparison, limit, unit, severity, summary, action, withinSince: undefined };
}
