import { Breaker } from '../../exchange/breaker.ts';
import type { Owner } from '../../exchange/owner.ts';
import { wordsOf } from '../../exchange/thrown.ts';
import type { MessageEntry } from '../../messages/protocol-extension.ts';
import type { StackEntry } from '../../middleware/stack.ts';
import type { PluginBuild } from '../compile/build.ts';
import type { HookRegistration } from '../registrations.ts';
import type { Body } from './body.ts';
import type { Dependent } from './dependencies.ts';
import type { LifecycleHost } from './host.ts';

/** A hook callback with the guard that every generation shares which has it. */
export interface GuardedHook extends HookRegistration {
  readonly breaker: Breaker;
}

/** Middleware as a stack takes it, with the place that its plugin asked for. */
export interface GuardedMiddleware {
  readonly entry: StackEntry;
  readonly priority: number;
}

/** One version of a plugin, initialized: what generations are made of. */
export class PluginInstance implements Owner, Dependent {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly build: PluginBuild;
  readonly body: Body;
  readonly middleware: readonly GuardedMiddleware[];
  readonly hooks: readonly GuardedHook[];
  readonly messageTypes: readonly MessageEntry[];
  readonly loadedAt = new Date();
  /** Generations that have it and have not drained. */
  generations = 0;
  readonly #host: LifecycleHost;
  #breakersOpen = 0;
  #retired: Promise<void> | undefined;

  constructor(host: LifecycleHost, { name, version, ...rest }: Dependent, build: PluginBuild, body: Body) {
    this.#host = host;
    this.name = name;
    this.version = version;
    this.dependencies = rest.dependencies;
    this.optionalDependencies = rest.optionalDependencies;
    this.build = build;
    this.body = body;
    this.middleware = body.middleware.map(({ name: own, middleware, priority = 50 }) => {
      const name = this.#nameOf(own);
      const breaker = this.#breaker(`middleware '${name}'`);
      return { entry: { name, middleware, owner: this, breaker }, priority };
    });
    this.hooks = body.hooks.map((hook) => ({ ...hook, breaker: this.#breaker(`its hook at ${hook.point}`) }));
    this.messageTypes = body.messageTypes.map((messageType) => {
      return { messageType, owner: this, breaker: this.#breaker(`message type '${messageType.type}'`) };
    });
  }

  frames(error: Error): string {
    return this.body.frames(error);
  }

  get breakersOpen(): number {
    return this.#breakersOpen;
  }

  /**
   * No exchange can reach it any more, or those that can (`isHeld`) have had their time. Runs `cleanup`;
   * idempotent, never rejects.
   */
  retire(isHeld = false): Promise<void> {
    this.#retired ??= this.#retire(isHeld);
    return this.#retired;
  }

  async #retire(isHeld: boolean): Promise<void> {
    const begun = performance.now();
    const failure = await this.body.stop();
    const { telemetry, log } = this.#host;
    telemetry.lifecycleRan(this, 'cleanup', performance.now() - begun, failure !== undefined);
    for (; this.#breakersOpen > 0; this.#breakersOpen -= 1) telemetry.breakersOpen(this.name, -1);
    if (this.body.life && !isHeld) {
      this.#host.leakWatch.watch({ plugin: this.name, version: this.version }, this.body.life);
    }
    if (failure === undefined) return;
    const stack = failure instanceof Error ? this.frames(failure) : undefined;
    log.warn(
      { plugin: this.name, version: this.version, error: wordsOf(failure), stack },
      `cleanup of plugin '${this.name}' failed; it is unloaded all the same`,
    );
  }

  /** A plugin with one middleware usually gives it its own name. */
  #nameOf(middleware: string): string {
    return middleware === this.name ? this.name : `${this.name}/${middleware}`;
  }

  #breaker(what: string): Breaker {
    const { limits, telemetry, log } = this.#host;
    let isOpen = false;
    return new Breaker({
      failuresMax: limits.breakerFailuresMax,
      openMs: limits.breakerOpenMs,
      onChange: (state) => {
        const wasOpen = isOpen;
        isOpen = state !== 'closed';
        if (isOpen === wasOpen) return;
        if (this.#retired) return;
        this.#breakersOpen += isOpen ? 1 : -1;
        telemetry.breakersOpen(this.name, isOpen ? 1 : -1);
        const fields = { plugin: this.name, version: this.version };
        if (isOpen) {
          log.warn(fields, `plugin '${this.name}': ${what} fails again and again; its breaker is open`);
        } else log.info(fields, `plugin '${this.name}': ${what} works again`);
      },
    });
  }
}
