import type { LoadedDefinition, PluginContext } from '../plugin.ts';
import { priorityIn, type Registrations } from '../registrations.ts';
import type { Outbox } from './outbox.ts';
import type { FromThread } from './protocol.ts';
import { createThreadLog } from './thread-log.ts';
import { createThreadMeter } from './thread-meter.ts';

export interface ThreadContextOptions {
  readonly definition: LoadedDefinition;
  readonly config: unknown;
  readonly signal: AbortSignal;
  readonly outbox: Outbox;
  readonly post: (message: FromThread) => void;
  readonly framesOf: (error: Error) => string;
}

/** The context of plugins, as far as it can hold in a worker; what cannot says so when it is asked for. */
export function createThreadContext(
  options: ThreadContextOptions,
  registrations: Registrations,
): PluginContext {
  const { definition, config, signal, outbox, post, framesOf } = options;
  const { name, version } = definition;
  const context: Omit<PluginContext, 'tracer'> = {
    name,
    version,
    config,
    log: createThreadLog(outbox, framesOf),
    meter: createThreadMeter(outbox, post),
    signal,
    registerHook: (point, callback, options) =>
      registrations.registerHook(point, callback, priorityIn(options)),
    registerMiddleware: (middleware, options) =>
      registrations.registerMiddleware(middleware, priorityIn(options)),
    registerMessageType: refuseMessageTypes,
    use: (other) => refuseOthers('use', other),
    useOptional: (other) => refuseOthers('useOptional', other),
  };
  // Not enumerable: a copy of the context, made with `...`, has not asked for it.
  return Object.defineProperty(context as PluginContext, 'tracer', { get: refuseTracer });
}

function refuseTracer(): never {
  throw new TypeError(
    'context.tracer is not to be had in a worker: spans are made in the service. Use exchange.setAttribute, or run without isolation.',
  );
}

function refuseMessageTypes(): never {
  throw new TypeError(
    'registerMessageType is not to be had in a worker: a handler holds its session, which cannot leave the service. Run without isolation.',
  );
}

function refuseOthers(what: string, other: string): never {
  throw new TypeError(
    `${what}('${other}') is not to be had in a worker: what another plugin gives out cannot leave its thread. Run without isolation.`,
  );
}
