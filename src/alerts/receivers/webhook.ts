import type { WebhookConfig } from '../../config/config.ts';
import { describeAlert } from '../describe-alert.ts';
import { firesInWords, inWords, resolvedInWords } from '../wording.ts';
import { type Delivery, type DeliveryContext, DeliveryQueue } from './delivery-queue.ts';
import type { AlertNotification, Receiver, ServiceIdentity } from './notification.ts';
import { signedHeaders, signingKey } from './signature.ts';

/** The body of the POST. Fields are only ever added within a version. */
export interface WebhookPayload {
  readonly version: 1;
  readonly type: 'alert.fired' | 'alert.resolved';
  /** When it fired or was resolved, ISO 8601; `webhook-timestamp` is when it was sent. */
  readonly timestamp: string;
  /** Of this message, as in `webhook-id`: whoever has seen it has handled it. */
  readonly id: string;
  /** The same in the message that an alert fires and in the one that it is resolved. */
  readonly incident: string;
  readonly status: 'firing' | 'resolved';
  /** All of it in words, for whoever shows no more than that. */
  readonly text: string;
  readonly alert: ReturnType<typeof describeAlert>;
  /** `service.name`, `service.instance.id` and `host.name` of the process's telemetry. */
  readonly service: { readonly name: string; readonly instanceId: string; readonly host: string | undefined };
}

interface WebhookOptions extends DeliveryContext, WebhookConfig {
  /** For the log: where the configuration has it. */
  readonly name: string;
  readonly identity: ServiceIdentity;
}

/** Posts JSON to an address when an alert fires or is resolved, signed where there is a secret. */
export class Webhook implements Receiver {
  readonly #queue: DeliveryQueue;
  readonly #identity: ServiceIdentity;
  readonly #key: Buffer | undefined;

  constructor({ url, secret, headers, identity, ...options }: WebhookOptions) {
    this.#identity = identity;
    this.#key = secret === undefined ? undefined : signingKey(secret);
    this.#queue = new DeliveryQueue({ ...options, receiver: 'webhook', target: { url, headers } });
  }

  notify(notification: AlertNotification): void {
    this.#queue.push(this.#delivery(notification));
  }

  stop(timeoutMs: number): Promise<void> {
    return this.#queue.stop(timeoutMs);
  }

  #delivery(notification: AlertNotification): Delivery {
    const { id, alert } = notification;
    const body = JSON.stringify(payloadOf(notification, this.#identity));
    return {
      what: `that ${inWords(alert)} is ${alert.state}`,
      compose: (at) => ({ body, headers: signedHeaders(id, at, body, this.#key) }),
    };
  }
}

function payloadOf(
  { id, incident, alert, threshold }: AlertNotification,
  { name, instanceId, host }: ServiceIdentity,
): WebhookPayload {
  const isFiring = alert.state === 'firing';
  return {
    version: 1,
    type: isFiring ? 'alert.fired' : 'alert.resolved',
    timestamp: new Date(alert.since).toISOString(),
    id,
    incident,
    status: isFiring ? 'firing' : 'resolved',
    text: `${host ?? instanceId}: ${isFiring ? firesInWords(alert, threshold) : resolvedInWords(alert)}`,
    alert: describeAlert(alert),
    service: { name, instanceId, host },
  };
}
