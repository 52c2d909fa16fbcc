import type { Alert } from '../alerts/alert.ts';
import type { Outcome } from '../exchange/outcome.ts';
import type { Snapshot } from '../snapshots/snapshot.ts';

/*
 * What the admin plane answers: the contract between its routes and whoever reads them, the console first. Types
 * alone, without anything of Node, since a browser reads them too. What is not known is absent.
 */

/** ISO 8601, UTC. */
type Time = string;

/** An exchange in flight, or one that has ended, as `/api/exchanges` shows it. */
export interface ExchangeLine {
  /**
   * Of one that has ended: its number in the order in which they ended, from 1. Windows are asked for by it. Absent
   * while it runs.
   */
  readonly seq?: number;
  /** The request's id: the client's `x-request-id`, or one of ours. Clients may use one twice. */
  readonly id: string;
  readonly kind: 'request' | 'session' | 'turn';
  readonly sessionId?: string;
  /** Number of the turn in its session. */
  readonly turn?: number;
  readonly traceId?: string;
  /** Of the span that tells of the exchange. */
  readonly spanId?: string;
  /** Its trace is recorded; another sampler has decided otherwise where it is false. */
  readonly isSampled: boolean;
  readonly method: string;
  readonly path: string;
  readonly upstream?: string;
  readonly dialect?: string;
  readonly model?: string;
  /** The label `tenant`, where a middleware has set it. */
  readonly tenant?: string;
  readonly isStream: boolean;
  readonly startedAt: Time;
  /** To its end, or so far. */
  readonly durationMs: number;
  /** Absent while it runs. */
  readonly outcome?: Outcome;
  /** Code of the error that ended it. */
  readonly error?: string;
  /** What the client was told. */
  readonly status?: number;
  readonly attempts: number;
  /** From the attempt to the first event with output of the model. */
  readonly firstTokenMs?: number;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly replyBytes: number;
  /** Events with output of the model. */
  readonly outputChunks: number;
  /**
   * Of a stream, since its first event with output. While the upstream has not told its usage, each event with output
   * counts as one token.
   */
  readonly tokensPerSecond?: number;
  readonly session?: SessionLine;
}

/** What has happened on a session so far. */
export interface SessionLine {
  readonly protocol: string;
  readonly turns: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  readonly messages: { readonly client: number; readonly upstream: number };
  readonly bytes: { readonly client: number; readonly upstream: number };
}

/**
 * `/api/exchanges`: a window of the exchanges. `state` (`in_flight` or `ended`; default both), `limit` (default 100,
 * up to 1,000), `before` and `after` (numbers of ended ones, exclusive; what runs is after all of them), `from` and
 * `to` (they ran at some moment between these times; ms since the epoch or ISO 8601), `id`, `text` (in path, model,
 * upstream, tenant, id, trace id or error; case does not matter), `outcome`, `model`, `upstream`, `tenant` (each
 * exactly, several times for any of them).
 */
export interface ExchangesWindow {
  /** In flight now, whatever the filter. */
  readonly inFlight: number;
  /** Number of the exchange that ended last; 0 before the first. */
  readonly newest: number;
  /** Number of the oldest that is still known; 0 where none is. */
  readonly oldest: number;
  /** Those in flight first, the last begun first; then those that ended, the last first. */
  readonly exchanges: readonly ExchangeLine[];
  /**
   * More match than `limit` lets through: ask again with `before` the last of these. Where all of these run, there are
   * more that run than `limit`; those that ended come with `state=ended`.
   */
  readonly isMore: boolean;
}

/** `/api/exchanges/values`: what there is to filter by, with how often, the most frequent first. */
export interface ExchangeValues {
  readonly outcomes: readonly ValueCount[];
  readonly models: readonly ValueCount[];
  readonly upstreams: readonly ValueCount[];
  readonly tenants: readonly ValueCount[];
}

export interface ValueCount {
  readonly value: string;
  readonly count: number;
}

export type AttributeValue =
  | string
  | number
  | boolean
  | readonly (string | number | boolean | null | undefined)[];
export type AttributeMap = Readonly<Record<string, AttributeValue | undefined>>;

/** A span. Times are ms since the epoch. */
export interface TraceSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** `SERVER`, `CLIENT` or `INTERNAL`. */
  readonly kind: string;
  readonly startMs: number;
  /** Absent while it runs. */
  readonly endMs?: number;
  readonly status: { readonly code: string; readonly message?: string };
  readonly attributes: AttributeMap;
  readonly events: readonly SpanEvent[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** Of an attempt, or a turn, that is a stream. */
  readonly chunks?: ChunkMarks;
}

export interface SpanEvent {
  readonly name: string;
  readonly timeMs: number;
  readonly attributes?: AttributeMap;
}

/** When events with output of the model came. */
export interface ChunkMarks {
  /** How many there were. */
  readonly count: number;
  /** ms since the epoch, rising. Of many, some: evenly chosen, the first and the last among them. */
  readonly times: readonly number[];
}

/**
 * `/api/traces/:id`: also of a trace that runs, whose spans say what they would say if it ended now. Spans in the order
 * in which they began; none where the trace is not sampled, or has made room for newer ones, and an exchange of it is
 * still known.
 */
export interface TraceView {
  readonly traceId: string;
  /** An exchange of it has not ended. */
  readonly isRunning: boolean;
  readonly spans: readonly TraceSpan[];
  readonly droppedSpans: number;
  /** Those of its exchanges that are still known, in the order in which they began. */
  readonly exchanges: readonly ExchangeLine[];
}

/** `/api/console`: what the console has to know of the service before it shows anything. */
export interface ConsoleInfo {
  readonly version: string;
  readonly startedAt: Time;
  readonly dataUrl: string;
  /** The embedded model backend answers. */
  readonly isSimulator: boolean;
  readonly upstreams: readonly { readonly name: string; readonly prefix: string; readonly url: string }[];
  /** Address of Jaeger, without a slash at its end. */
  readonly jaegerUrl?: string;
  /** Prompts and replies are captured on spans. */
  readonly isContentCaptured: boolean;
  /** False with `OTEL_SDK_DISABLED`: then there are no traces, and no figures of traffic. */
  readonly isTelemetryEnabled: boolean;
  readonly snapshotIntervalMs: number;
  readonly snapshotsMax: number;
  /** A token was asked for: the session can be ended. */
  readonly hasSession: boolean;
}

/** What a callback has cost since the service started. */
export interface Cost {
  /**
   * All calls of `on_chunk` for one exchange are measured as one. On a session, a message that belongs to no turn passes
   * through the middleware like an exchange of its own, one of the upstream without `before_query`.
   */
  readonly calls: number;
  readonly totalMs: number;
  readonly p95Ms?: number;
  /** Of its runs, those that failed. A refusal on purpose is no failure. */
  readonly errors: number;
}

/** `/api/pipeline`: what an exchange runs through now, in order, with what each has cost. */
export interface PipelineView {
  readonly generation: number;
  /** That have ended since the service started. */
  readonly exchanges: number;
  /** In the order of `beforeQuery`; replies come back through it in reverse. */
  readonly middleware: readonly MiddlewareView[];
  /** Those points that somebody watches, in the order of an exchange. */
  readonly hooks: readonly HookPointView[];
}

export interface MiddlewareView {
  readonly name: string;
  /** Absent: the configuration, or the embedding program, brought it. */
  readonly plugin?: string;
  readonly priority?: number;
  readonly onFailure: 'fail' | 'continue';
  readonly breaker?: string;
  /**
   * Those callbacks that it has: `before_query`, `on_chunk`, `after_response`, `on_error`. No cost: it has not run, or the
   * metrics do not tell it from others (`labelValuesMax`, `seriesMax`).
   */
  readonly phases: readonly { readonly phase: string; readonly cost?: Cost }[];
}

export interface HookPointView {
  readonly point: string;
  /** In the order in which they are called. */
  readonly callbacks: readonly HookCallbackView[];
}

export interface HookCallbackView {
  readonly owner: string;
  readonly plugin?: string;
  readonly priority: number;
  readonly breaker?: string;
  /** Of all callbacks of this plugin at this point; absent of those that no plugin brought. */
  readonly cost?: Cost;
}

/** `/api/alerts` */
export interface AlertsView {
  /** Absent before the first time. */
  readonly evaluatedAt?: Time;
  readonly alerts: readonly AlertLine[];
}

/** Where `field` has a `*`, `of` stands for it. */
export interface AlertLine extends Omit<Alert, 'since' | 'firedAt' | 'of' | 'value'> {
  readonly of?: string;
  readonly value?: number;
  readonly since: Time;
  readonly firedAt?: Time;
  /** Where a snapshot has its figure: `memory.rssMb`. */
  readonly field: string;
  /** The figure is taken over so long; 0: at the moment. */
  readonly windowMs: number;
  /** So long it has to be beyond its limit before it fires: a pending one that stays so, so long after `since`. */
  readonly holdMs: number;
}

/** `/api/plugins` */
export interface PluginsView {
  readonly folder: string;
  readonly watch: boolean;
  readonly generation: number;
  readonly draining: readonly {
    readonly generation: number;
    readonly exchanges: number;
    readonly plugins: readonly string[];
  }[];
  /** Versions that were unloaded and are still held in memory. */
  readonly leaks: readonly { readonly plugin: string; readonly version: string }[];
  readonly plugins: readonly PluginView[];
}

export interface PluginView {
  readonly name?: string;
  readonly version?: string;
  readonly state: string;
  readonly file: string;
  readonly loadedAt?: Time;
  readonly files?: readonly string[];
  /** Name → range. Of the active version; where none is, of the one that was rejected, if it got so far. */
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  /** Of both kinds, the names of those that are not active in the range. */
  readonly unmet?: readonly string[];
  readonly dependents?: readonly string[];
  readonly middleware?: readonly {
    readonly name: string;
    readonly priority: number;
    readonly onFailure: string;
    readonly breaker?: string;
  }[];
  readonly hooks?: readonly { readonly point: string; readonly priority: number; readonly breaker: string }[];
  readonly messageTypes?: readonly { readonly type: string; readonly breaker?: string }[];
  readonly restarts?: number;
  readonly fileIsGoneButNeededBy?: readonly string[];
  readonly rejected?: {
    readonly version?: string;
    readonly step: string;
    readonly message: string;
    readonly file: string;
    readonly line?: number;
    readonly column?: number;
    readonly at: Time;
  };
}

/** The events of `/api/events`, by name. The id of each is the time of the newest snapshot that was sent. */
export interface ConsoleEvents {
  /** A new one; after a return, first those that were missed. */
  readonly snapshot: Snapshot;
  /** At once, and when something has changed since, at most four times a second. */
  readonly exchanges: ExchangesTick;
  /** At once, and with each evaluation. */
  readonly alerts: AlertsView;
  /** At once, and when something about the plugins has changed: ask `/api/plugins` anew. */
  readonly plugins: { readonly generation: number };
}

export interface ExchangesTick {
  readonly inFlight: number;
  /** As of `ExchangesWindow`. */
  readonly newest: number;
}

/** Every error: https://www.rfc-editor.org/rfc/rfc9457 is not spoken here, but the form that clients of models know. */
export interface ApiProblem {
  readonly error: { readonly code: string; readonly message: string };
}
