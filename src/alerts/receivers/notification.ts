import { createHash } from 'node:crypto';
import type { Resource } from '@opentelemetry/resources';
import { scope } from '../../telemetry/names.ts';
import type { Alert } from '../alert.ts';
import type { Threshold } from '../threshold.ts';

/** Who speaks. */
export interface ServiceIdentity {
  readonly name: string;
  readonly namespace: string | undefined;
  /** A name for machines; to people it says nothing. */
  readonly instanceId: string;
  readonly host: string | undefined;
}

/** An alert that has begun to fire, or is resolved, for those who are told of it. */
export interface AlertNotification {
  /** The same however often and to whomever it is sent. */
  readonly id: string;
  /** The same when it fires and when it is resolved. */
  readonly incident: string;
  readonly alert: Alert;
  readonly threshold: Threshold;
}

/**
 * One who is told of alerts outside of the process. `notify` never throws and waits for nobody. `stop` is
 * idempotent, sends what waits within the deadline, gives up the rest, and never rejects.
 */
export interface Receiver {
  notify(notification: AlertNotification): void;
  stop(timeoutMs: number): Promise<void>;
}

/** As the resource of its telemetry says it. */
export function identityOf({ attributes }: Resource): ServiceIdentity {
  const text = (key: string) => (typeof attributes[key] === 'string' ? attributes[key] : undefined);
  return {
    name: text('service.name') ?? scope.name,
    namespace: text('service.namespace'),
    instanceId: text('service.instance.id') ?? 'unknown',
    host: text('host.name'),
  };
}

export function notificationOf(
  alert: Alert,
  threshold: Threshold,
  { instanceId }: ServiceIdentity,
): AlertNotification {
  const parts = [instanceId, alert.id, alert.of ?? null, alert.firedAt ?? null];
  const incident = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
  return { id: `${incident}_${alert.state}`, incident, alert, threshold };
}
