import type { Meter, Tracer } from '@opentelemetry/api';
import type { Owner } from '../../exchange/owner.ts';
import type { ExchangeView } from '../../exchange/view.ts';
import type { FlowServices } from '../../flow/flow.ts';
import type { HookSystem } from '../../hooks/hook-system.ts';
import type { HookPoint } from '../../hooks/points.ts';
import type { Limits } from '../../limits.ts';
import type { Logger } from '../../log.ts';
import type { MessageType } from '../../messages/message-type.ts';
import type { HandledMessage } from '../../messages/protocol-extension.ts';
import type { StackEntry, StackOptions } from '../../middleware/stack.ts';
import type { LeakWatch } from './leak-watch.ts';

/** What the lifecycle of plugins needs of the service around it. */
export interface PluginHost {
  readonly limits: Limits;
  readonly log: Logger;
  /** Raw, for the schema of the plugin of this name. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Hooks of the service itself; those of plugins stand beside them. */
  readonly hooks: HookSystem;
  /** A set of hooks that runs those of the service as well. */
  createHooks(): HookSystem;
  /** Middleware of the configuration and of the embedding program. */
  readonly middleware: readonly StackEntry[];
  /** Message types of the embedding program; no plugin can take them. */
  readonly messageTypes: readonly MessageType[];
  readonly stackOptions: StackOptions;
  /** What exchanges get that begin with a generation. */
  services(parts: Pick<FlowServices, 'hooks' | 'stack' | 'messages' | 'lease'>): FlowServices;
  meter(plugin: string): Meter;
  tracer(plugin: string): Tracer;
  /** No version of the plugin is left. */
  forget(plugin: string): void;
  /** A hook callback failed where the hook system cannot see it: in a worker. */
  hookFailed(point: HookPoint, plugin: string, error: Error): void;
  readonly telemetry: PluginTelemetry;
}

/** With what the lifecycle itself brings. */
export interface LifecycleHost extends PluginHost {
  readonly leakWatch: LeakWatch;
}

export type PluginChange = 'loaded' | 'reloaded' | 'rejected' | 'unloaded';

/** Where the lifecycle's facts become metrics. None of these throws. */
export interface PluginTelemetry {
  changed(change: PluginChange, plugin: string | undefined): void;
  /** `undefined` where it had no state before, or has none after. */
  moved(from: PluginState | undefined, to: PluginState | undefined): void;
  lifecycleRan(owner: Owner, point: 'initialize' | 'cleanup', durationMs: number, failed: boolean): void;
  /** Of a plugin's message type, or of one of the embedding program; on this session. */
  messageHandled(handled: HandledMessage, session: ExchangeView): void;
  /** One more breaker is open (1), or one less (-1). */
  breakersOpen(plugin: string, change: 1 | -1): void;
  leaked(plugin: string): void;
  /** Thrown where nobody waits: in a timer, or by a promise that nobody looks after. */
  strayError(plugin: string): void;
}

/**
 * - `discovered`: its file was found, and waits for its turn.
 * - `loading`: it is evaluated and initialized.
 * - `active`: exchanges that begin now go through it.
 * - `draining`: unloaded, and exchanges that began with it still run.
 * - `unloaded`: gone; its file may still be there.
 * - `rejected`: it does not build, has the wrong shape or config, or its dependencies are not met.
 * - `failed`: its `initialize` threw or missed its deadline.
 */
const pluginStates = [
  'discovered',
  'loading',
  'active',
  'draining',
  'unloaded',
  'rejected',
  'failed',
] as const;
export type PluginState = (typeof pluginStates)[number];
