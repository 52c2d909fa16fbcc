import type { SightlineError } from '../errors.ts';
import type { Outcome } from '../exchange/outcome.ts';
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
  /**
   * Ends the reply so that no client takes it for complete. What was written still goes out.
   *
   * @param isComplete It broke off after its terminal event: the exchange is completed all the same.
   */
  break(error: SightlineError, isComplete: boolean): void;
  /** An error of ours instead of a reply. Absent: it goes out as a reply in the shape of the dialect's API. */
  problem?(error: SightlineError): void;
  /**
   * How the exchange ends as soon as the client has everything: for protocols that tell their clients. Before
   * or after `end`; the last call before both have come counts.
   */
  settle?(outcome: Outcome, error: SightlineError | undefined): void;
  /** The exchange has ended: the last call of all. */
  ended?(): void;
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
