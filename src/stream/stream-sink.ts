import { SightlineError } from '../errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Outcome } from '../exchange/outcome.ts';
import type { ReplySink, SinkWatcher } from '../flow/reply-sink.ts';
import type { Limits } from '../limits.ts';
import { headerValue, type RawHeaders, withoutHeaders } from '../wire/headers.ts';
import { ByteBody } from './byte-body.ts';
import { EventBody } from './event-body.ts';
import type { MessageId } from './protocol.ts';
import type { ReplyBody } from './reply-body.ts';
import {
  chunkMessage,
  errorMessage,
  type MessageHead,
  messageHead,
  noContent,
  responseMessage,
} from './server-message.ts';
import { WholeBody } from './whole-body.ts';

/** Where the messages go: the connection. */
export interface Outlet {
  /** The client is slower than we. */
  readonly isFull: boolean;
  /** `onSent` is called once, unless the connection is closed before. */
  send(message: string, onSent?: (isSent: boolean) => void): void;
  /** What is sent meanwhile goes out as one write. */
  together(send: () => void): void;
}

/** Whose reply it is. */
export interface SinkOwner {
  /** The reply cannot be told. */
  onFailure(error: SightlineError): void;
  /** The last message of the query has been sent. */
  onAnswered(): void;
  /** The exchange has ended: before or after that. */
  onEnded(): void;
}

export interface StreamSinkOptions {
  readonly id: MessageId;
  readonly exchange: Exchange;
  readonly reply: 'events' | 'bytes';
  /** Bytes that may be sent; infinite where the client named none. */
  readonly window: number;
  readonly limits: Limits;
  readonly outlet: Outlet;
  readonly owner: SinkOwner;
}

/** How the reply ends: with a `response`, or with an `error`. */
interface Ending {
  readonly outcome: Outcome;
  readonly error: SightlineError | undefined;
}

const encodingHeaders = new Set(['content-encoding', 'content-length']);

/**
 * The client's side of a query: its reply as messages. Chunks go as far as the query's window lets them; the last
 * message follows when they have gone, and when the flow has said how the exchange ends.
 */
export class StreamSink implements ReplySink {
  readonly #options: StreamSinkOptions;
  watcher: SinkWatcher | undefined;
  #head: { status: number; statusMessage: string | undefined; headers: RawHeaders } | undefined;
  #isHeadSent = false;
  #body: ReplyBody | undefined;
  #trailers: RawHeaders = [];
  /** Everything of the body has been handed over. */
  #hasEnded = false;
  #ending: Ending | undefined;
  #window: number;
  #stall: NodeJS.Timeout | undefined;
  /** What still waited for the client is lost. */
  #hasLost = false;
  /** The last message has been sent, or none can be. */
  #isOver = false;

  constructor(options: StreamSinkOptions) {
    this.#options = options;
    this.#window = options.window;
  }

  get hasBegun(): boolean {
    return this.#head !== undefined || this.#isOver;
  }

  head(status: number, statusMessage: string | undefined, headers: RawHeaders): void {
    if (this.#isOver) return;
    this.#head = { status, statusMessage, headers };
    const body = this.#chooseBody(headers);
    this.#body = body;
    // Where the body came with it, one message will do.
    if (body.sendsHeadFirst) queueMicrotask(() => this.#sendHead());
  }

  write(chunk: Buffer): boolean {
    const body = this.#body;
    if (!body || this.#isOver) return true;
    let hasRoom = true;
    this.#options.outlet.together(() => {
      hasRoom = body.write(chunk);
      this.#send();
    });
    return hasRoom && !this.#isHeldBack;
  }

  end(trailers: RawHeaders): void {
    this.#trailers = trailers;
    const pending = this.#body?.end();
    const end = () => {
      this.#hasEnded = true;
      this.#send();
    };
    if (pending) void pending.then(end);
    else end();
  }

  settle(outcome: Outcome, error: SightlineError | undefined): void {
    // As the upstream framed it the body is whole, and what it means is for the client to see.
    const isWhole = this.#options.reply === 'bytes' && error?.code === 'upstream_truncated';
    this.#ending = { outcome, error: isWhole ? undefined : error };
    this.#send();
  }

  problem(error: SightlineError): void {
    this.#finish(this.#error(error, error.outcome));
  }

  break(error: SightlineError, isComplete: boolean): void {
    if (this.#isOver) return;
    const isAnswer = isComplete && !this.#hasLost && this.#options.reply === 'events';
    const outcome = isComplete ? 'completed' : error.outcome;
    this.#ending = { outcome, error: isAnswer ? undefined : error };
    this.#hasEnded = true;
    this.#body?.cut();
    this.#send();
  }

  ended(): void {
    this.#options.owner.onEnded();
  }

  /** The client takes so many bytes more. */
  grant(bytes: number): void {
    if (this.#isOver) return;
    this.#window += bytes;
    this.#stopWaiting();
    this.#options.outlet.together(() => this.#send());
    this.drained();
  }

  /** There may be room again. */
  drained(): void {
    if (this.#isOver || this.#isHeldBack) return;
    this.#body?.resume();
    this.watcher?.onDrain();
  }

  /** The client does not want it any more. */
  cancel(): void {
    if (this.#isOver) return;
    this.#body?.close();
    // Nothing more is to be sent, whatever the flow does now.
    this.#isOver = true;
    this.#stopWaiting();
    const { exchange } = this.#options;
    this.watcher?.onClose(false);
    const error = new SightlineError('client_aborted', { message: 'The client has cancelled the query.' });
    // Middleware may still have to leave what had said all.
    const outcome = exchange.outcome ?? (exchange.attempt?.hasSaidAll ? 'completed' : error.outcome);
    this.#options.outlet.send(this.#error(error, outcome));
    this.#options.owner.onAnswered();
  }

  /** The query fails. Nothing is granted any more: what waits for that is lost, and the client hears of it. */
  giveUp(error: SightlineError): void {
    if (this.#isOver) return;
    const { exchange, owner } = this.#options;
    this.#hasLost = this.#waitsForGrant;
    if (this.#hasLost) this.#body?.close();
    owner.onFailure(error);
    // Where the flow had ended before, or had something to add, there is only this to tell.
    if (this.#hasLost || this.#waitsForGrant)
      this.#finish(this.#error(error, exchange.outcome ?? error.outcome));
  }

  /** The connection is gone. Safe at any time. */
  lost(): void {
    const wasOver = this.#isOver;
    this.#isOver = true;
    this.#stopWaiting();
    this.#body?.close();
    if (!wasOver) this.#options.owner.onAnswered();
    this.watcher?.onClose(false);
  }

  get #isHeldBack(): boolean {
    return this.#waitsForGrant || this.#options.outlet.isFull;
  }

  /** A window that is just used up holds back nothing yet: what comes next may be the end. */
  get #waitsForGrant(): boolean {
    return this.#window <= 0 && this.#body?.isWaiting === true;
  }

  #chooseBody(headers: RawHeaders): ReplyBody {
    const { reply, limits, owner } = this.#options;
    if (reply === 'bytes') return new ByteBody();
    const encoding = headerValue(headers, 'content-encoding');
    const contentType = headerValue(headers, 'content-type')?.toLowerCase() ?? '';
    if (!contentType.startsWith('text/event-stream'))
      return new WholeBody(encoding, limits.replyReadBytesMax);
    const events = EventBody.create({
      encoding,
      limits,
      onPiece: () => this.#send(),
      onDrain: () => this.drained(),
      onError: (error) => owner.onFailure(error),
    });
    return events ?? new ByteBody();
  }

  #send(): void {
    if (this.#isOver) return;
    for (let piece = this.#next(); piece; piece = this.#next()) {
      const message = chunkMessage(this.#options.id, this.#takeHead(), piece.content);
      this.#window -= piece.bytes ?? Buffer.byteLength(message);
      this.#options.outlet.send(message);
    }
    if (this.#isHeldBack) this.#body?.pause();
    if (this.#waitsForGrant) this.#waitForClient();
    else if (this.#hasEnded && this.#ending) this.#answer(this.#ending);
  }

  #next() {
    return this.#window > 0 ? this.#body?.next(this.#window) : undefined;
  }

  #sendHead(): void {
    if (this.#isOver || this.#isHeadSent) return;
    this.#options.outlet.send(chunkMessage(this.#options.id, this.#takeHead(), noContent));
  }

  /** The head, for the first message; undefined for all others. */
  #takeHead(): MessageHead | undefined {
    if (this.#isHeadSent || !this.#head) return undefined;
    this.#isHeadSent = true;
    const { status, statusMessage, headers } = this.#head;
    return messageHead(
      status,
      statusMessage,
      this.#body?.isDecoded ? withoutHeaders(headers, encodingHeaders) : headers,
    );
  }

  #answer({ outcome, error }: Ending): void {
    if (error) {
      this.#finish(this.#error(error, outcome));
      return;
    }
    const { id, exchange } = this.#options;
    this.#finish(
      responseMessage({
        id,
        exchange,
        status: this.#head?.status ?? 200,
        head: this.#takeHead(),
        content: this.#body?.rest ?? noContent,
        trailers: this.#trailers,
        outcome,
      }),
    );
  }

  #error(error: SightlineError, outcome: Outcome): string {
    const { id, exchange } = this.#options;
    return errorMessage(id, exchange, error, outcome);
  }

  #finish(message: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopWaiting();
    this.#body?.close();
    this.#options.outlet.send(message, (isSent) => this.watcher?.onClose(isSent));
    this.#options.owner.onAnswered();
  }

  #waitForClient(): void {
    this.#stall ??= setTimeout(
      () => this.giveUp(new SightlineError('client_stalled')),
      this.#options.limits.clientStallTimeoutMs,
    ).unref();
  }

  #stopWaiting(): void {
    clearTimeout(this.#stall);
    this.#stall = undefined;
  }
}
