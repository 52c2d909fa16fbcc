import type { Outcome } from '../../exchange/outcome.ts';
import type { Time } from './time.ts';

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
 * `to` (they ran at some moment between these times; ms since the epoch or ISO 8601), `minDurationMs` (they took, or
 * have taken so far, at least so long), `id`, `text` (in path, model, upstream, tenant, id, trace id or error; case does
 * not matter), `outcome`, `model`, `upstream`, `tenant` (each exactly, several times for any of them).
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

/** `/api/exchanges/values`: what there is to filter by, with how often and its tokens, the most frequent first. */
export interface ExchangeValues {
  readonly outcomes: readonly ValueCount[];
  readonly models: readonly ValueCount[];
  readonly upstreams: readonly ValueCount[];
  readonly tenants: readonly ValueCount[];
}

export interface ValueCount {
  readonly value: string;
  readonly count: number;
  /** Into the model and out of it, of the exchanges that are known with this value. */
  readonly tokens: number;
}
