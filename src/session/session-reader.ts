import type { SightlineError } from '../errors.ts';
import type { Peer } from '../exchange/session-facts.ts';

/** One message of a WebSocket: text as its UTF-8 bytes. */
export interface Message {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** What a session does with a message: chosen when its first frame begins, before anything of it has gone on. */
export type MessagePlan =
  /** Its frames go on as they come; nobody looks. */
  | 'pass'
  /** Its frames go on as they come, and the whole message is told beside their way (`seen`). */
  | 'look'
  /** It is held until it is whole; what goes on is what `take` gives. */
  | 'hold';

/** What goes on in the place of a held message, in this order: to whom, and what. */
export interface Sending extends Message {
  readonly to: Peer;
}

/**
 * Understands the messages of one proxied session: turns, middleware, hooks, message types. The relay moves
 * the bytes, and asks it. No method throws; `at` is a reading of `performance.now()`.
 */
export interface SessionReader {
  /** Compressed messages, and those of sessions that agreed on other extensions, are never asked about: they pass. */
  plan(from: Peer, isBinary: boolean): MessagePlan;
  /** A message has gone on, and was this. `data` is a copy, or not to be changed. */
  seen(from: Peer, message: Message, at: number): void;
  /**
   * A held message; what goes on in its place. While a promise is not settled, that side is held up: its later
   * messages wait in their socket, so the order is kept. Never rejects.
   */
  take(from: Peer, message: Message, at: number): readonly Sending[] | Promise<readonly Sending[]>;
  /** The session is over, or cannot go on: every open turn ends. Called once; `error` where it did not end well. */
  end(error: SightlineError | undefined, at: number): void;
  /** Turns that have begun and not ended. */
  readonly openTurns: number;
}

/** What a reader may do to its session. All are safe at any time and after the end. */
export interface SessionControl {
  /** A message of our own, between two messages of the other side. Lost where the session has ended. */
  send(sending: Sending): void;
  /**
   * Since when that peer is read, by `performance.now()`; `Infinity` while it is not, because the other one is slower:
   * then its silence says nothing.
   */
  readSince(from: Peer): number;
  /** The session cannot go on: both sides are told, by the error's close code, and cut off. */
  fail(error: SightlineError): void;
}
