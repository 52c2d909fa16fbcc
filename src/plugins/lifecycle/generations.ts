import { Generation } from './generation.ts';
import type { PluginHost } from './host.ts';
import type { PluginInstance } from './instance.ts';

/** The generation that exchanges get which begin now, and those before it that some still go through. */
export class Generations {
  readonly #host: PluginHost;
  readonly #draining = new Set<Generation>();
  #current: Generation;

  constructor(host: PluginHost) {
    this.#host = host;
    this.#current = new Generation(1, [], host);
  }

  get current(): Generation {
    return this.#current;
  }

  /** Replaced, and not drained yet; the oldest first. */
  get draining(): readonly Generation[] {
    return [...this.#draining];
  }

  /** Of all of them, those that exchanges get now first; one may stand in several. */
  get instances(): readonly PluginInstance[] {
    return [this.#current, ...this.#draining].flatMap((generation) => generation.instances);
  }

  /**
   * The one moment at which exchanges that begin get other plugins. Returns what they got until now, which is to be
   * drained; undefined where these are the same.
   */
  replace(instances: readonly PluginInstance[]): Generation | undefined {
    const before = this.#current;
    const isSame =
      instances.length === before.instances.length &&
      instances.every((instance, i) => instance === before.instances[i]);
    if (isSame) return undefined;
    this.#current = new Generation(before.number + 1, instances, this.#host);
    return before;
  }

  /** Lets go of an old generation when its last exchange has ended, or at the deadline. Never rejects. */
  async drain(old: Generation): Promise<void> {
    this.#draining.add(old);
    const isDrained = await old.drained(this.#host.limits.pluginDrainTimeoutMs);
    if (!isDrained) {
      this.#host.log.warn(
        `${old.leases} exchanges still go through an old generation of plugins, which is cleaned up now`,
      );
    }
    // No exchange waits for its hooks, and some may still be under way.
    await old.services.hooks.idle();
    // Dependents first.
    for (const instance of [...old.instances].reverse()) {
      instance.generations -= 1;
      if (instance.generations === 0) await instance.retire(!isDrained);
    }
    this.#draining.delete(old);
  }

  /** Every plugin is cleaned up, also those that exchanges still go through; dependents first. Never rejects. */
  async retire(): Promise<void> {
    const all = [...this.#draining, this.#current];
    const instances = new Set(all.flatMap((generation) => [...generation.instances].reverse()));
    for (const instance of instances) await instance.retire();
  }
}
