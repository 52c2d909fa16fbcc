import type { Attributes, MetricOptions } from '@opentelemetry/api';
import type { HookPoint } from '../../hooks/points.ts';
import type { PluginBuild } from '../compile/build.ts';
import type { PlainError, PlainProblem } from './plain-error.ts';
import type { PlainExchange, PlainTags } from './plain-exchange.ts';
import type { PlainAnswer, PlainQuery, PlainReply } from './plain-message.ts';

/*
 * What the service and the thread of a plugin say to each other. The service never waits for the thread but
 * with a deadline, and every queue between the two is bounded.
 *
 * In the order of a thread's life: `step` evaluate · `evaluated` → `config` · `step` initialize · `ready`, or
 * `refused` anywhere before; then `call` → `answer` as often as wanted; at last `stop` → `stopped`.
 */

/** What a thread begins with. */
export interface ThreadData {
  readonly build: PluginBuild;
  /**
   * The number of the newest call that the thread has begun. It is shared memory, as a thread that hangs
   * says nothing.
   */
  readonly begun: Int32Array;
}

export type MiddlewareCallback = 'beforeQuery' | 'afterResponse' | 'onError';

/** What stands in a call, by the callback that it is for. */
export type CallArgument =
  | { readonly kind: 'query'; readonly query: PlainQuery }
  | { readonly kind: 'reply'; readonly reply: PlainReply }
  | { readonly kind: 'error'; readonly error: PlainError }
  | { readonly kind: 'hook'; readonly payload: PlainPayload };

/** A hook's payload without its exchange; what is not plain already is told by its key. */
export interface PlainPayload {
  readonly query?: PlainQuery;
  readonly error?: PlainError;
  readonly problem?: PlainProblem;
  readonly bytes?: Uint8Array;
  readonly [plain: string]: unknown;
}

export type CallTarget =
  | { readonly middleware: number; readonly callback: MiddlewareCallback }
  | { readonly hook: number };

export interface Call {
  readonly kind: 'call';
  readonly id: number;
  readonly target: CallTarget;
  readonly argument: CallArgument;
  /** Hooks of the plugin system itself have none. */
  readonly exchange: PlainExchange | undefined;
}

export type ToThread =
  | Call
  | { readonly kind: 'config'; readonly config: unknown }
  /** Exchanges that nobody can ask about any more, by their seats. */
  | { readonly kind: 'over'; readonly seats: readonly number[] }
  /** So many log records and batches of recordings have been taken: as many more may come. */
  | { readonly kind: 'taken'; readonly count: number }
  /** It uses too much memory, or has not collected its garbage. */
  | { readonly kind: 'collect' }
  | { readonly kind: 'stop' };

export interface Answer {
  readonly kind: 'answer';
  readonly id: number;
  readonly answer: PlainAnswer | undefined;
  readonly error: PlainError | undefined;
  readonly tags: PlainTags | undefined;
}

export interface PlainMiddleware {
  readonly name: string;
  readonly onFailure: 'fail' | 'continue' | undefined;
  readonly callbacks: readonly MiddlewareCallback[];
  readonly priority: number | undefined;
}

export interface PlainHook {
  readonly point: HookPoint;
  readonly priority: number | undefined;
}

/** What a plugin registered. Proxies call by the index in these lists. */
export interface Registered {
  readonly middleware: readonly PlainMiddleware[];
  readonly hooks: readonly PlainHook[];
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type InstrumentKind = 'createCounter' | 'createUpDownCounter' | 'createHistogram' | 'createGauge';

export interface Recording {
  readonly instrument: number;
  readonly value: number;
  readonly attributes: Attributes | undefined;
}

export type FromThread =
  | { readonly kind: 'step'; readonly step: 'evaluate' | 'initialize' }
  /** What it is, and the question for its config. */
  | { readonly kind: 'evaluated'; readonly name: string; readonly version: string }
  | { readonly kind: 'ready'; readonly registered: Registered }
  | { readonly kind: 'refused'; readonly problem: PlainProblem }
  | Answer
  /** Added to an exchange when no call of it was under way. */
  | { readonly kind: 'tags'; readonly seat: number; readonly tags: PlainTags }
  | { readonly kind: 'unhooked'; readonly hook: number }
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly fields: object;
      /** The field `err`, which the log writes as an error. */
      readonly error: PlainError | undefined;
      readonly message: string;
    }
  | {
      readonly kind: 'instrument';
      readonly instrument: number;
      readonly create: InstrumentKind;
      readonly name: string;
      readonly options: MetricOptions | undefined;
    }
  | { readonly kind: 'recordings'; readonly recordings: readonly Recording[] }
  /** Something was thrown that nobody caught; the thread ends itself. */
  | { readonly kind: 'fatal'; readonly error: PlainError }
  | { readonly kind: 'collected'; readonly bytes: number }
  | { readonly kind: 'stopped'; readonly error: PlainError | undefined };
