import type { AlertsConfig } from '../../config/config.ts';
import type { Limits } from '../../limits.ts';
import type { DeliveryContext } from './delivery-queue.ts';
import type { Receiver, ServiceIdentity } from './notification.ts';

export interface ReceiversOptions extends DeliveryContext {
  readonly limits: Limits;
  readonly identity: ServiceIdentity;
  /** Where people see this alert of this process, by the id of its threshold. */
  readonly generatorUrl: (id: string) => string;
}

/** Those of the configuration. Of a kind that nobody asked for, nothing is loaded. */
export async function createReceivers(
  { webhooks, alertmanagers }: Pick<AlertsConfig, 'webhooks' | 'alertmanagers'>,
  options: ReceiversOptions,
): Promise<Receiver[]> {
  const receivers: Receiver[] = [];
  if (webhooks.length > 0) {
    const { Webhook } = await import('./webhook.ts');
    for (const [i, webhook] of webhooks.entries())
      receivers.push(new Webhook({ ...options, ...webhook, name: `alerts.webhooks[${i}]` }));
  }
  if (alertmanagers.length > 0) {
    const { Alertmanager } = await import('./alertmanager.ts');
    for (const [i, alertmanager] of alertmanagers.entries())
      receivers.push(new Alertmanager({ ...options, ...alertmanager, name: `alerts.alertmanagers[${i}]` }));
  }
  return receivers;
}

/** As they are counted. */
export function receiverKinds({ webhooks, alertmanagers }: Pick<AlertsConfig, 'webhooks' | 'alertmanagers'>) {
  return [...(webhooks.length > 0 ? ['webhook'] : []), ...(alertmanagers.length > 0 ? ['alertmanager'] : [])];
}
