import type { RawHeaders } from '../wire/headers.ts';

/**
 * Where a reply goes: the client's side of an exchange. `head`, then `write` any number of times, then `end`
 * or `break`.
 */
export interface ReplySink {
  /** The head has gone out: the status cannot be changed any more. */
  readonly hasBegun: boolean;
  head(status: number, statusMessage: string | undefined, headers: RawHeaders): void;
  /** Returns false when the client is slower than we: stop until `onDrain`. */
  write(chunk: Buffer): boolean;
  end(trailers: RawHeaders): void;
  /** Ends the reply so that no client takes it for complete. What was written still goes out. */
  break(): void;
  /** Set by the flow; called when more may be written. */
  onDrain: () => void;
  /** Set by the flow; called when the client took nothing of a waiting reply for too long. */
  onStall: () => void;
  /** Set by the flow; called once, at the end: was everything sent, or did the client go before? */
  onClose: (isSent: boolean) => void;
}
