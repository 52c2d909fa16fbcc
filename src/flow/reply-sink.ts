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
  /**
   * Set by the flow. An object, since V8 puts a function that is assigned to a property into its old space,
   * and with it keeps the whole exchange until the next full collection.
   */
  watcher: SinkWatcher | undefined;
}

/** Told what becomes of the client. */
export interface SinkWatcher {
  /** More may be written. */
  onDrain(): void;
  /** The client took nothing of a waiting reply for too long. */
  onStall(): void;
  /** Once, at the end: was everything sent, or did the client go before? */
  onClose(isSent: boolean): void;
}
