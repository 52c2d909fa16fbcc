import type { Span } from '@opentelemetry/api';
import type { AttemptContent } from '../dialects/content/attempt-content.ts';
import type { SightlineError } from '../errors.ts';
import { emptyReplyFacts, type ReplyFacts } from './facts.ts';
import type { Outcome } from './outcome.ts';

/** The upstream as an attempt remembers it. */
export interface UpstreamIdentity {
  readonly name: string;
  /** `gen_ai.provider.name`; undefined where neither configuration nor dialect tells. */
  readonly provider: string | undefined;
  readonly address: string;
  readonly port: number;
}

/** One try to connect, while an attempt waited for a connection that several share. */
export interface ConnectTry {
  /** 1 for the first one. */
  readonly number: number;
  readonly at: number;
  /** Why it failed; undefined where it came about. */
  readonly error: SightlineError | undefined;
  /** Until the next one, ms; undefined where there is none. */
  readonly nextInMs: number | undefined;
}

/** One try to get a reply from one upstream: facts and times, noted while it runs. */
export class Attempt {
  readonly number: number;
  readonly upstream: UpstreamIdentity;
  readonly startedAt: number;
  readonly reply: ReplyFacts = emptyReplyFacts();
  readonly #chunkGapsMax: number;

  status: number | undefined;
  headAt: number | undefined;
  /** The reply is a stream of events. */
  streamed = false;
  /** The upstream's own id of the request, for its support desk. */
  upstreamRequestId: string | undefined;
  /** Bytes of the reply's body as they came. */
  bytes = 0;
  /** Events that carried output of the model. */
  outputChunks = 0;
  firstOutputAt: number | undefined;
  #lastOutputAt = 0;
  /** Times between output chunks, ms; the first `chunkGapsMax` of them. */
  readonly chunkGapsMs: number[] = [];
  readonly connectTries: ConnectTry[] = [];
  /** Why the reply could not be understood beside its way. */
  unobserved: string | undefined;
  /** What was asked and answered, where telemetry is to tell it. */
  content: AttemptContent | undefined;
  /** The recorder's own, see `Exchange`; a turn and its attempt are one span, which the turn has. */
  span: Span | undefined;

  endedAt: number | undefined;
  outcome: Outcome | undefined;
  error: SightlineError | undefined;

  constructor(number: number, upstream: UpstreamIdentity, chunkGapsMax: number) {
    this.number = number;
    this.upstream = upstream;
    this.#chunkGapsMax = chunkGapsMax;
    this.startedAt = performance.now();
  }

  /** The stream's terminal event was seen: everything has been said, whatever becomes of the connection. */
  get hasSaidAll(): boolean {
    return this.streamed && this.reply.terminal;
  }

  /** An event with output of the model came. Returns whether it was the first. */
  noteOutput(at: number): boolean {
    this.outputChunks += 1;
    if (this.firstOutputAt === undefined) {
      this.firstOutputAt = at;
      this.#lastOutputAt = at;
      return true;
    }
    if (this.chunkGapsMs.length < this.#chunkGapsMax) this.chunkGapsMs.push(at - this.#lastOutputAt);
    this.#lastOutputAt = at;
    return false;
  }

  /** Ends once; what comes later is ignored. */
  end(outcome: Outcome, error: SightlineError | undefined, at = performance.now()): void {
    if (this.outcome !== undefined) return;
    this.outcome = outcome;
    this.error = error;
    this.endedAt = at;
  }
}
