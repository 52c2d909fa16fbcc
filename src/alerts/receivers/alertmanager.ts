import type { AlertmanagerConfig } from '../../config/config.ts';
import type { Limits } from '../../limits.ts';
import { labelName } from '../../telemetry/prometheus-names.ts';
import { ruleName } from '../rules/rule-name.ts';
import { resolvedMs } from '../state-machine.ts';
import { annotations, valueInWords } from '../wording.ts';
import { type Delivery, type DeliveryContext, type DeliveryLimits, DeliveryQueue } from './delivery-queue.ts';
import type { AlertNotification, Receiver, ServiceIdentity } from './notification.ts';

/**
 * As Prometheus does it, so that an Alertmanager that was away, or has lost what it knew, is told all the same: what
 * fires ends by itself unless it is told again, and what is resolved is told again for a while.
 */
const expiryIntervals = 4;

interface AlertmanagerOptions extends DeliveryContext, AlertmanagerConfig {
  readonly limits: DeliveryLimits & Pick<Limits, 'alertResendIntervalMs'>;
  /** For the log: where the configuration has it. */
  readonly name: string;
  readonly identity: ServiceIdentity;
  /** Where people see this alert of this process, by the id of its threshold. */
  readonly generatorUrl: (id: string) => string;
}

/** An alert, and what was said of it when it fired: what is resolved is no longer beyond its limit. */
interface Told {
  readonly notification: AlertNotification;
  readonly annotations: ReturnType<typeof annotations>;
}

/**
 * Tells an Alertmanager of alerts, under the names and labels that they have when Prometheus tells it, so that its
 * routes serve both. Each message has all that is known at the moment when it is sent: however many alerts there are,
 * at most one waits behind the one that is on its way.
 * https://prometheus.io/docs/alerting/latest/alerts_api/
 */
export class Alertmanager implements Receiver {
  readonly #options: AlertmanagerOptions;
  readonly #queue: DeliveryQueue;
  /** Every alert that fires, or has been resolved lately. */
  readonly #told = new Map<string, Told>();
  #waiting: Delivery | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AlertmanagerOptions) {
    this.#options = options;
    this.#queue = new DeliveryQueue({
      ...options,
      receiver: 'alertmanager',
      target: { url: api(options.url), headers: options.headers },
    });
  }

  notify(notification: AlertNotification): void {
    const { id, of, state } = notification.alert;
    const key = JSON.stringify([id, of]);
    const before = state === 'resolved' ? this.#told.get(key) : undefined;
    this.#told.set(key, {
      notification,
      annotations: before?.annotations ?? this.#annotations(notification),
    });
    this.#tell();
    this.#timer ??= setInterval(() => this.#tellAgain(), this.#options.limits.alertResendIntervalMs).unref();
  }

  stop(timeoutMs: number): Promise<void> {
    clearInterval(this.#timer);
    return this.#queue.stop(timeoutMs);
  }

  #tell(): void {
    if (this.#waiting) return;
    const delivery: Delivery = {
      what: 'which alerts fire',
      compose: (at) => {
        if (this.#waiting === delivery) this.#waiting = undefined;
        const alerts = [...this.#told.values()].map((told) => this.#posted(told, at));
        return { headers: {}, body: JSON.stringify(alerts) };
      },
    };
    this.#waiting = delivery;
    this.#queue.push(delivery);
  }

  #tellAgain(): void {
    const now = Date.now();
    for (const [key, { notification }] of this.#told) {
      const { alert } = notification;
      if (alert.state === 'resolved' && now - alert.since > resolvedMs) this.#told.delete(key);
    }
    if (this.#told.size > 0) {
      // What is being sent, or tried again, says the same.
      if (this.#queue.isIdle) this.#tell();
    } else {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  /** One `postableAlert`. https://github.com/prometheus/alertmanager/blob/v0.25.0/api/v2/openapi.yaml */
  #posted({ notification, annotations }: Told, at: number) {
    const { identity, limits, generatorUrl } = this.#options;
    const { alert, threshold } = notification;
    const { id, of, severity, state, since, firedAt = since } = alert;
    const expiresAt = at + expiryIntervals * limits.alertResendIntervalMs;
    return {
      labels: {
        alertname: ruleName(id),
        severity,
        job: identity.namespace === undefined ? identity.name : `${identity.namespace}/${identity.name}`,
        instance: identity.instanceId,
        ...(threshold.by !== undefined && of !== undefined && { [labelName(threshold.by)]: of }),
      },
      annotations,
      startsAt: isoTime(firedAt),
      // One that ends before it starts is refused; clocks can be set back.
      endsAt: isoTime(Math.max(firedAt, state === 'resolved' ? since : expiresAt)),
      generatorURL: generatorUrl(id),
    };
  }

  #annotations({ alert, threshold }: AlertNotification): Told['annotations'] {
    const { instanceId, host = instanceId } = this.#options.identity;
    return annotations(threshold, { instance: host, of: alert.of, value: valueInWords(alert) });
  }
}

function api(base: URL): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v2/alerts`;
  return url;
}

function isoTime(at: number): string {
  return new Date(at).toISOString();
}
