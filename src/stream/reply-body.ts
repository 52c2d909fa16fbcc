import type { MessageContent } from './server-message.ts';

/** A part of a body that fits into one message. */
export interface Piece {
  readonly content: MessageContent;
  /** What it takes of the window: bytes of the body. Undefined: an event, which takes the bytes of its message. */
  readonly bytes: number | undefined;
}

/** A reply's body on its way into messages. What throws is a `SightlineError`. */
export interface ReplyBody {
  /** The head goes ahead, where the body is not there yet. */
  readonly sendsHeadFirst: boolean;
  /** What comes out is not compressed any more: headers that say so are wrong. */
  readonly isDecoded: boolean;
  /** False: no more until `onDrain`. */
  write(bytes: Buffer): boolean;
  /** No more will come. The promise, where one is needed, resolves when everything is there. Never rejects. */
  end(): Promise<void> | undefined;
  /** It broke off: what there is still goes out, without an event that is not whole. */
  cut(): void;
  /** The next piece, which takes at most so many bytes where it can be cut; undefined where there is none now. */
  next(bytesMax: number): Piece | undefined;
  /** Something is there that has not been taken. */
  readonly isWaiting: boolean;
  /** Holds back what would come later. */
  pause(): void;
  resume(): void;
  /** What goes into the `response`: a body that did not go in chunks. */
  readonly rest: MessageContent;
  /** Nothing more is wanted. Safe at any time, more than once. */
  close(): void;
}
