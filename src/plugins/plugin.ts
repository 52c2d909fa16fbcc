import type { Meter, Tracer } from '@opentelemetry/api';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { HookCallback } from '../hooks/hook-system.ts';
import type { HookPoint } from '../hooks/points.ts';
import type { MessageType } from '../messages/message-type.ts';
import type { Middleware } from '../middleware/middleware.ts';

// biome-ignore lint/suspicious/noConfusingVoidType: "return nothing" is the usual answer of `initialize`.
type Nothing = void | undefined;

/**
 * A module that brings hooks, middleware, message types and a lifecycle of its own, as the default export of a file
 * `NAME.plugin.ts`.
 *
 * The life of a version: the file is built and evaluated, its shape and its config are checked, then
 * `initialize` registers what the plugin brings. Nothing of it is seen by any exchange before `initialize`
 * has answered; then the whole new set of plugins takes the place of the old one at once, for exchanges that
 * begin from then on. An exchange keeps what it began with to its end. When the last exchange of an old
 * version has ended, its signal is aborted and `cleanup` runs; timers and observable callbacks that are left
 * then are taken away by Sightline itself, whether or not `cleanup` fails.
 *
 * `initialize` may throw: then `cleanup` runs as well, whatever was registered is undone, and the version that
 * serves goes on.
 */
export interface PluginDefinition<Name extends string, Schema extends StandardSchemaV1 | undefined, Api> {
  /** Unique in the folder: lower case letters, digits and hyphens, 64 characters at most. */
  readonly name: Name;
  /** Semantic version (https://semver.org). */
  readonly version: string;
  readonly description?: string;
  /** Plugins that have to be active before this one: name → semver range. */
  readonly dependencies?: Readonly<Record<string, string>>;
  /** Plugins that are used where they are active in this range, and not missed where not. */
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  /** Checks `plugins.config.<name>` of the configuration: zod, or any other Standard Schema. */
  readonly config?: Schema;
  /**
   * `worker` runs the plugin in a thread of its own with a hard stop: a callback that gives no answer ends
   * the thread. Default `none`: in the process, as quick as a function call, and trusted not to block it.
   *
   * Write `isolation: 'worker'` literally: it is found without running the code. A worker has no `onChunk` (a
   * stream waits for nobody), no message types (a handler holds its session, which cannot leave the process), no
   * `tracer`, no observable instruments, no dependencies, and gives nothing to dependents; what asks for one of
   * these is refused when it is loaded.
   */
  readonly isolation?: 'none' | 'worker';
  /** Has a deadline. What it returns is what `use` gives to dependents. */
  initialize(context: PluginContext<ConfigOf<Schema>>): Api | Promise<Api>;
  /** Has a deadline. Also runs where `initialize` failed, which may have got half of its way. */
  cleanup?(): Nothing | Promise<Nothing>;
}

type ConfigOf<Schema> = Schema extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<Schema>
  : Readonly<Record<string, unknown>>;

/** What a plugin gets. Registering is possible until `initialize` has answered: an exchange never sees half. */
export interface PluginContext<Config = unknown> {
  readonly name: string;
  readonly version: string;
  /** As the plugin's schema gave it back; without one, as it stands in the configuration. */
  readonly config: Config;
  readonly log: PluginLog;
  /** Instruments of the plugin's own. Names stand in the metrics as they are: begin them with the plugin's. */
  readonly meter: Meter;
  /** Spans of the plugin's own: give `exchange.context` as the parent's context. */
  readonly tracer: Tracer;
  /** Aborted when this version is no longer in use, before `cleanup`. */
  readonly signal: AbortSignal;
  /** Watches a hook point. Higher priority runs earlier, default 50. Returns its own remover. */
  registerHook<P extends HookPoint>(
    point: P,
    callback: HookCallback<P>,
    options?: { readonly priority?: number },
  ): () => void;
  /**
   * Changes exchanges. Higher priority is further out (earlier on the way in, later on the way out), default
   * 50, which is that of the configured middleware; at the same priority plugins stand behind it, in the
   * order of their dependencies.
   */
  registerMiddleware(middleware: Middleware, options?: { readonly priority?: number }): void;
  /**
   * Handles messages of this type on WebSockets, as `defineMessageType` returned it. Nobody else may have the
   * type: the plugin that comes later is rejected.
   */
  registerMessageType(messageType: MessageType): void;
  /** What the `initialize` of a dependency returned. Throws where it is not declared as one. */
  use<P extends AnyPlugin>(name: NameOf<P>): ApiOf<P>;
  /** The same for an optional dependency; undefined where it is not active in the range asked for. */
  useOptional<P extends AnyPlugin>(name: NameOf<P>): ApiOf<P> | undefined;
}

/** The service's log, with the plugin's name and version on each record. Fields first, as pino has it. */
export interface PluginLog {
  debug(message: string): void;
  debug(fields: object, message: string): void;
  info(message: string): void;
  info(fields: object, message: string): void;
  warn(message: string): void;
  warn(fields: object, message: string): void;
  error(message: string): void;
  error(fields: object, message: string): void;
}

/** What `definePlugin` returns: `use<typeof tenant>('tenant')` reads the types of another plugin from it. */
export interface Plugin<Name extends string = string, Api = unknown> {
  readonly name: Name;
  readonly version: string;
  /** Never set: it only carries the type of what `use` gives. */
  readonly api?: Api;
}

type AnyPlugin = Plugin<string, unknown>;
type NameOf<P extends AnyPlugin> = P['name'];
type ApiOf<P extends AnyPlugin> = P extends Plugin<string, infer Api> ? Api : never;

/** Marks what `definePlugin` has seen; shared by every copy of this module, also in a worker. */
const brand = Symbol.for('sightline.plugin');

/** A definition as the lifecycle sees it, when the module was evaluated. Its shape is checked there. */
export type LoadedDefinition = PluginDefinition<string, StandardSchemaV1 | undefined, unknown>;

/**
 * Declares a plugin; its file exports the result as its default. The types of `config`, of the context and
 * of what dependents get follow from what is given.
 */
export function definePlugin<
  const Name extends string,
  Schema extends StandardSchemaV1 | undefined = undefined,
  Api = Nothing,
>(definition: PluginDefinition<Name, Schema, Api>): Plugin<Name, Api> {
  const plugin = Object.freeze({ ...definition, [brand]: true });
  // The definition's functions stay behind the narrower type that other plugins import.
  return plugin as unknown as Plugin<Name, Api>;
}

/** Is it what `definePlugin` returned? */
export function isPlugin(value: unknown): value is LoadedDefinition {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, brand);
}
