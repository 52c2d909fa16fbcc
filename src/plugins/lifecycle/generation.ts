import { describeError } from '../../errors.ts';
import type { ExchangeView } from '../../exchange/view.ts';
import type { FlowServices } from '../../flow/flow.ts';
import type { Lease } from '../../flow/lease.ts';
import type { HookCallback } from '../../hooks/hook-system.ts';
import type { HookPoint } from '../../hooks/points.ts';
import { type HandledMessage, ProtocolExtension } from '../../messages/protocol-extension.ts';
import { MiddlewareStack } from '../../middleware/stack.ts';
import type { PluginHost } from './host.ts';
import type { PluginInstance } from './instance.ts';

/**
 * One set of plugin versions, and the hooks, the middleware stack and the message types made of it. An exchange
 * keeps the one that it began with, by a lease, and so does a message that is handled; the generation has drained
 * when it was replaced and no lease is left.
 */
export class Generation implements Lease {
  readonly number: number;
  /** Dependencies first. */
  readonly instances: readonly PluginInstance[];
  readonly services: FlowServices;
  #leases = 0;
  #whenDrained: (() => void) | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(number: number, instances: readonly PluginInstance[], host: PluginHost) {
    this.number = number;
    this.instances = instances;
    const hooks = host.createHooks();
    for (const plugin of instances) {
      for (const { point, callback, priority = 50, breaker } of plugin.hooks) {
        // Callback and point were registered together, by a typed call.
        hooks.registerHook(point, callback as HookCallback<HookPoint>, { priority, plugin, breaker });
      }
    }
    const configured = host.middleware.map((entry) => ({ entry, priority: 50 }));
    const brought = instances.flatMap((plugin) => plugin.middleware);
    // Sorting is stable: at the same priority the configured ones are further out.
    const ordered = [...configured, ...brought].sort((a, b) => b.priority - a.priority);
    const stack = new MiddlewareStack(
      ordered.map(({ entry }) => entry),
      host.stackOptions,
    );
    const own = host.messageTypes.map((messageType) => ({ messageType }));
    const messages = new ProtocolExtension([...own, ...instances.flatMap((plugin) => plugin.messageTypes)], {
      timeoutMs: host.limits.middlewareTimeoutMs,
      lease: this,
      onHandled: (handled, session) => noteHandled(host, handled, session),
    });
    this.services = host.services({ hooks, stack, messages, lease: this });
    for (const plugin of instances) plugin.generations += 1;
  }

  /** Exchanges that began with it and have not ended. */
  get leases(): number {
    return this.#leases;
  }

  acquire(): void {
    this.#leases += 1;
  }

  release(): void {
    this.#leases -= 1;
    if (this.#leases === 0) this.#whenDrained?.();
  }

  /**
   * It has been replaced. Resolves when its last exchange has ended (`true`), or at the deadline (`false`).
   */
  drained(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isDrained: boolean) => {
        this.#whenDrained = undefined;
        clearTimeout(this.#deadline);
        resolve(isDrained);
      };
      if (this.#leases === 0) {
        settle(true);
        return;
      }
      this.#whenDrained = () => settle(true);
      this.#deadline = setTimeout(() => settle(false), timeoutMs);
      this.#deadline.unref();
    });
  }
}

/** Whoever asked for it tells the client; the log and telemetry are told here, so that nobody can forget. */
function noteHandled({ telemetry, log }: PluginHost, handled: HandledMessage, session: ExchangeView): void {
  telemetry.messageHandled(handled, session);
  const { type, error } = handled;
  if (error?.outcome === 'failed')
    log.error({ exchange: session.id, messageType: type, ...describeError(error) }, error.message);
}
