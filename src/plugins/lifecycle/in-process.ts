import type { Meter, Tracer } from '@opentelemetry/api';
import { withDeadline } from '../../exchange/deadline.ts';
import { wordsOf } from '../../exchange/thrown.ts';
import type { Limits } from '../../limits.ts';
import type { Logger } from '../../log.ts';
import type { MessageType } from '../../messages/message-type.ts';
import type { EvaluatedModule } from '../evaluate/evaluate.ts';
import type { LoadedDefinition, PluginContext } from '../plugin.ts';
import { PluginProblem } from '../problem.ts';
import {
  type HookRegistration,
  type MiddlewareRegistration,
  priorityIn,
  Registrations,
} from '../registrations.ts';
import type { Body } from './body.ts';
import { createRemovableMeter, type RemovableMeter } from './plugin-meter.ts';

export interface InProcessOptions {
  readonly file: string;
  readonly definition: LoadedDefinition;
  readonly module: EvaluatedModule;
  readonly config: unknown;
  readonly log: Logger;
  readonly meter: Meter;
  readonly tracer: Tracer;
  /** What `initialize` of the plugins returned that this one uses, by name. */
  readonly used: ReadonlyMap<string, unknown>;
  readonly limits: Pick<Limits, 'pluginInitializeTimeoutMs' | 'pluginCleanupTimeoutMs'>;
}

/** A version that runs in this process. */
export class InProcessBody implements Body {
  readonly life: WeakRef<object>;
  readonly restarts = 0;
  api: unknown;
  readonly #options: InProcessOptions;
  readonly #meter: RemovableMeter;
  readonly #abort = new AbortController();
  readonly #registrations = new Registrations();
  #stopped: Promise<unknown> | undefined;

  private constructor(options: InProcessOptions) {
    this.#options = options;
    this.#meter = createRemovableMeter(options.meter);
    this.life = options.module.life;
  }

  /** Resolves when `initialize` has. Where it fails, everything is undone and a `PluginProblem` says why. */
  static async start(options: InProcessOptions): Promise<InProcessBody> {
    const body = new InProcessBody(options);
    const { definition, limits } = options;
    try {
      const running = Promise.resolve(definition.initialize(body.#context()));
      body.api = await withDeadline(running, limits.pluginInitializeTimeoutMs);
      return body;
    } catch (thrown) {
      const problem = body.#problem(thrown);
      await body.stop();
      throw problem;
    } finally {
      body.#registrations.close();
    }
  }

  get middleware(): readonly MiddlewareRegistration[] {
    return this.#registrations.middleware;
  }

  get hooks(): readonly HookRegistration[] {
    return this.#registrations.hooks;
  }

  get messageTypes(): readonly MessageType[] {
    return this.#registrations.messageTypes;
  }

  hasThrown(error: unknown): boolean {
    return this.#options.module.placeOf(error) !== undefined;
  }

  frames(error: Error): string {
    return this.#options.module.frames(error);
  }

  stop(): Promise<unknown> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<unknown> {
    const { definition, limits, module } = this.#options;
    this.#registrations.close();
    let failure: unknown;
    try {
      this.#abort.abort();
      const running = Promise.resolve(definition.cleanup?.());
      await withDeadline(running, limits.pluginCleanupTimeoutMs);
    } catch (thrown) {
      failure = thrown;
    }
    this.#meter.removeCallbacks();
    module.dispose();
    return failure;
  }

  #problem(thrown: unknown): PluginProblem {
    if (thrown instanceof PluginProblem) return thrown;
    const { definition, module, file } = this.#options;
    const message = `initialize of '${definition.name}' failed: ${wordsOf(thrown)}`;
    return new PluginProblem('initialize', message, module.placeOf(thrown) ?? { file }, thrown);
  }

  #context(): PluginContext {
    const { definition, config, log, tracer } = this.#options;
    const { name, version } = definition;
    return {
      name,
      version,
      config,
      log,
      meter: this.#meter.meter,
      tracer,
      signal: this.#abort.signal,
      registerHook: (point, callback, options) =>
        this.#registrations.registerHook(point, callback, priorityIn(options)),
      registerMiddleware: (middleware, options) =>
        this.#registrations.registerMiddleware(middleware, priorityIn(options)),
      registerMessageType: (messageType) => this.#registrations.registerMessageType(messageType),
      use: (needed) => this.#use(needed, 'dependencies') as never,
      useOptional: (needed) => this.#use(needed, 'optionalDependencies') as never,
    };
  }

  #use(needed: string, list: 'dependencies' | 'optionalDependencies'): unknown {
    const { definition, used } = this.#options;
    if (!Object.hasOwn(definition[list] ?? {}, needed)) {
      throw new TypeError(
        `'${needed}' is not among the ${list} of '${definition.name}'; expected there, as ${list}: { ${JSON.stringify(needed)}: '^1.0.0' }.`,
      );
    }
    return used.get(needed);
  }
}
