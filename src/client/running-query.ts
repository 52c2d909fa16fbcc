import type { ChunkMessage, ErrorMessage, ResponseMessage } from '../stream/protocol.ts';
import { base64Length, utf8Length } from './bytes.ts';
import { EventQueue } from './event-queue.ts';
import type { ServerEvent } from './options.ts';
import type { Query } from './query.ts';
import { QueryError, type QueryErrorDetail } from './query-error.ts';
import { asEvent, type ReplyHead, replyEvent, wholeReply } from './read-reply.ts';
import type { Reply, ReplyEvent } from './reply.ts';

/** What a query resolves to: a reply, or whatever answers a message of a plugin's type. */
export interface ResultKind<T, R> {
  readonly ofResponse: (reply: Reply<T>, message: ResponseMessage) => R;
  /** For messages of other types; undefined where none of them answers. */
  readonly ofOther?: {
    readonly isLast: (message: ServerEvent) => boolean;
    readonly result: (message: ServerEvent, events: readonly ReplyEvent<T>[]) => R;
  };
}

export interface RunningQueryOptions<T, R> {
  readonly id: number;
  readonly kind: ResultKind<T, R>;
  /** Bytes of the reply that may be here before somebody takes them. */
  readonly window: number;
  readonly signal: AbortSignal | undefined;
  /** The server may send so many bytes more. */
  readonly grant: (bytes: number) => void;
  /** Once: nothing that comes for it concerns it any more. */
  readonly ended: (wasCancelled: boolean) => void;
}

/** A query as its connection sees it, whatever it resolves to. */
export type Receiver = Pick<
  RunningQuery<unknown, unknown>,
  'id' | 'sent' | 'chunk' | 'respond' | 'other' | 'refuse' | 'fail'
>;

/** The client's side of a query: what comes for it goes in, what its owner asks for comes out. */
export class RunningQuery<T, R> implements Query<T, R> {
  readonly id: number;
  readonly #options: RunningQueryOptions<T, R>;
  readonly #events: EventQueue<T>;
  readonly #result = Promise.withResolvers<R>();
  readonly #abort = () => this.cancel(this.#options.signal?.reason);
  #head: ReplyHead = {};
  #chunks = 0;
  #wasSent = false;
  #hasEnded = false;

  constructor(options: RunningQueryOptions<T, R>) {
    const { id, window, signal, grant } = options;
    this.id = id;
    this.#options = options;
    this.#events = new EventQueue({ window, grant, left: () => this.cancel() });
    // Nobody has to look after a query that is only iterated over, or not at all.
    this.#result.promise.catch(() => {});
    signal?.addEventListener('abort', this.#abort, { once: true });
  }

  get [Symbol.toStringTag](): string {
    return 'Query';
  }

  // biome-ignore lint/suspicious/noThenProperty: a query is a promise of its reply.
  then<A = R, B = never>(
    onReply?: ((reply: R) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    // Whoever waits for the whole wants all of it here, unless a loop takes it event by event.
    this.#events.collect();
    return this.#result.promise.then(onReply, onError);
  }

  catch<B = never>(onError?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<R | B> {
    return this.then(undefined, onError);
  }

  finally(onEnd?: (() => void) | null): Promise<R> {
    this.#events.collect();
    return this.#result.promise.finally(onEnd);
  }

  [Symbol.asyncIterator](): AsyncIterator<ReplyEvent<T>> {
    return this.#events.iterate();
  }

  cancel(reason?: unknown): void {
    if (this.#hasEnded) return;
    const why = reason instanceof Error ? `: ${reason.message}` : '';
    const detail = { outcome: 'client_aborted', cause: reason } as const;
    this.#events.clear();
    this.#reject(this.#error('client_aborted', `The query was cancelled${why}.`, detail), true);
  }

  sent(): void {
    this.#wasSent = true;
  }

  /** `text` is the message as it came. */
  chunk(message: ChunkMessage, text: string): void {
    if (message.status !== undefined) this.#head = message;
    const event = replyEvent<T>(message);
    if (event !== undefined) this.#add(event, windowBytes(message, text));
  }

  respond(message: ResponseMessage): void {
    const reply = wholeReply<T>(message, this.#head, this.#events.uniterated);
    const result = this.#options.kind.ofResponse(reply, message);
    if (reply.ok) this.#resolve(result, asEvent(reply));
    else this.#resolveAsError(result, reply);
  }

  /** False where messages of other types do not concern it. */
  other(message: ServerEvent): boolean {
    const other = this.#options.kind.ofOther;
    if (other === undefined) return false;
    const event = { message: message as T };
    try {
      if (other.isLast(message)) this.#resolve(other.result(message, this.#events.uniterated), event);
      else this.#add(event, 0);
    } catch (thrown) {
      // By the app, asked whether it is the last.
      this.cancel(thrown);
    }
    return true;
  }

  refuse({ error }: ErrorMessage): void {
    this.#reject(this.#error(error.code, error.message, error));
  }

  /** It ends without an answer of the server. */
  fail(error: QueryError): void {
    const { code, message, cause } = error;
    this.#reject(this.#error(code, this.#wasSent ? `${message} ${this.#whatIsKnown()}` : message, { cause }));
  }

  #whatIsKnown(): string {
    const chunks = this.#chunks === 1 ? '1 chunk' : `${this.#chunks} chunks`;
    const came = this.#chunks === 0 ? 'Nothing of it had come' : `${chunks} of it had come`;
    return `The reply may have been made, and paid for. ${came}; the query is not sent again by itself.`;
  }

  #add(event: ReplyEvent<T>, bytes: number): void {
    this.#chunks += 1;
    this.#events.add(event, bytes);
  }

  #resolve(result: R, whole: ReplyEvent<T> | undefined): void {
    if (!this.#end()) return;
    this.#result.resolve(result);
    // To a loop, what did not come in pieces is one event.
    if (this.#chunks === 0 && whole !== undefined) this.#events.add(whole, 0);
    this.#events.finish();
  }

  #resolveAsError(result: R, reply: Reply<T>): void {
    if (!this.#end()) return;
    const { status, outcome, traceId, exchangeId } = reply;
    this.#result.resolve(result);
    const detail = { status, outcome, traceId, exchangeId, reply };
    this.#events.finish(this.#error('error_status', `The reply has the status ${status}.`, detail));
  }

  #reject(error: QueryError, wasCancelled = false): void {
    if (!this.#end(wasCancelled)) return;
    this.#result.reject(error);
    this.#events.finish(error);
  }

  #end(wasCancelled = false): boolean {
    if (this.#hasEnded) return false;
    this.#hasEnded = true;
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#options.ended(wasCancelled);
    return true;
  }

  #error(code: string, message: string, detail: QueryErrorDetail): QueryError {
    return new QueryError(code, message, { ...detail, wasSent: this.#wasSent, chunks: this.#chunks });
  }
}

/** What a chunk takes of the window: the bytes of the body that it carries, or those of its message (an event). */
function windowBytes({ text, base64 }: ChunkMessage, message: string): number {
  if (base64 !== undefined) return base64Length(base64);
  return utf8Length(text ?? message);
}
