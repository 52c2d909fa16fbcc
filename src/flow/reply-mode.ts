import type { Attempt } from '../exchange/attempt.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Peer } from '../exchange/session-facts.ts';
import type { HookSystem } from '../hooks/hook-system.ts';
import type { Limits } from '../limits.ts';
import type { Passage } from '../middleware/passage.ts';
import type { RawHeaders } from '../wire/headers.ts';
import type { ReplySink } from './reply-sink.ts';

/** What a mode works with. */
export interface ReplyScene {
  readonly exchange: Exchange;
  readonly attempt: Attempt;
  readonly sink: ReplySink;
  readonly passage: Passage | undefined;
  readonly hooks: HookSystem;
  readonly limits: Limits;
  /** Neither has it ended, nor failed, which the client is told instead: only then may more go out. */
  readonly isRunning: boolean;
  /** The client is slower than the upstream: nothing more is to come until `resume`. */
  pause(): void;
  resume(): void;
  /** The exchange cannot go on; for what happens outside of a call. */
  fail(thrown: unknown): void;
}

export interface ReplyHead {
  readonly status: number;
  readonly statusMessage: string;
  readonly headers: RawHeaders;
}

/** One way for a reply to reach the client. Synchronous where it can be: nothing waits without need. */
export interface ReplyMode {
  /** Own events may be written into the stream. */
  readonly writesEvents: boolean;
  /** The client takes more again. Absent: the upstream is resumed. */
  drained?(): void;
  data(chunk: Buffer, at: number): void;
  /**
   * The upstream has sent everything. Calls `onUnderstood` as soon as the reply is understood; over when whoever
   * was entered is left.
   */
  end(trailers: RawHeaders, onUnderstood: () => void): void | Promise<void>;
  /** The reply broke off, on this side. Calls `onUnderstood` when what there was of it is understood. */
  cut(by: Peer, onUnderstood: () => void): void | Promise<void>;
}
