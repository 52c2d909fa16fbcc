import type { Attempt } from '../exchange/attempt.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { HookSystem } from '../hooks/hook-system.ts';
import type { Limits } from '../limits.ts';
import type { Passage } from '../middleware/passage.ts';
import type { FlowControl } from '../transports/transport.ts';
import type { RawHeaders } from '../wire/headers.ts';
import type { ReplySink } from './reply-sink.ts';

/** What a mode works with. */
export interface ReplyScene {
  readonly exchange: Exchange;
  readonly attempt: Attempt;
  readonly sink: ReplySink;
  readonly control: FlowControl;
  readonly passage: Passage | undefined;
  readonly hooks: HookSystem;
  readonly limits: Limits;
  /** The client has been told that it failed, or will be: nothing more may go out. */
  readonly hasFailed: () => boolean;
  /** The exchange cannot go on; for what happens outside of a call. */
  readonly fail: (thrown: unknown) => void;
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
  /** The client takes more again. Absent: the upstream's flow is resumed. */
  drained?(): void;
  data(chunk: Buffer, at: number): void;
  /**
   * The upstream has sent everything. Calls `onUnderstood` as soon as the reply is understood; over when whoever
   * was entered is left.
   */
  end(trailers: RawHeaders, onUnderstood: () => void): void | Promise<void>;
  /** The reply broke off, on whichever side. Calls `onUnderstood` when what there was of it is understood. */
  cut(onUnderstood: () => void): void | Promise<void>;
}

/** Notes an event with output of the model, and tells the watchers of the first one. */
export function noteOutput(
  { exchange, attempt, hooks }: Pick<ReplyScene, 'exchange' | 'attempt' | 'hooks'>,
  at: number,
): void {
  const isFirst = attempt.noteOutput(at);
  if (isFirst && hooks.has('reply.first_token')) {
    hooks.notify('reply.first_token', { exchange: exchange.view, elapsedMs: at - exchange.clock.startedAt });
  }
}

/** A piece of the body has gone to the client. */
export function noteChunk({ exchange, hooks }: Pick<ReplyScene, 'exchange' | 'hooks'>, bytes: Buffer): void {
  if (hooks.has('reply.chunk')) hooks.notify('reply.chunk', { exchange: exchange.view, bytes });
}
