import { type Dispatcher, Pool } from 'undici';
import { SightlineError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { RawHeaders } from '../wire/headers.ts';
import { isReasonPhrase, transportError } from './failure.ts';
import { TrailerTransport } from './trailer-transport.ts';
import type {
  FlowControl,
  ReplyReceiver,
  Transport,
  TransportHealth,
  TransportRequest,
} from './transport.ts';
import { WaitingLine } from './waiting-line.ts';

/**
 * HTTP/1.1 over a pool of kept-alive connections. undici's `dispatch` is the cheapest way that Node has
 * (README, "Why these libraries"); it cannot send request trailers, so the rare request that has some
 * takes Node's own client.
 */
export class HttpTransport implements Transport {
  readonly #origin: URL;
  readonly #limits: Limits;
  readonly #line: WaitingLine;
  #pool: Pool | undefined;
  #trailers: TrailerTransport | undefined;
  #isClosed = false;

  constructor(origin: URL, limits: Limits) {
    this.#origin = origin;
    this.#limits = limits;
    this.#line = new WaitingLine(limits.upstreamConnectionsMax, limits.upstreamQueueMax);
  }

  get health(): TransportHealth {
    const stats = this.#pool?.stats;
    const trailers = this.#trailers;
    return {
      state: this.#isClosed ? 'closed' : this.#pool || trailers ? 'open' : 'idle',
      connections: (stats?.connected ?? 0) + (trailers?.connections ?? 0),
      running: this.#line.running + (trailers?.running ?? 0),
      queued: this.#line.waiting + (trailers?.queued ?? 0),
    };
  }

  async connect(): Promise<void> {
    if (!this.#isClosed) this.#openPool();
  }

  send(request: TransportRequest, receiver: ReplyReceiver): FlowControl {
    if (this.#isClosed) return refused(receiver, new SightlineError('stopping'));
    if (needsTrailers(request)) return this.#sendWithTrailers(request, receiver);
    const start = () => this.#dispatch(request, call);
    const call = new Call(receiver, {
      left: () => this.#line.leave(start),
      done: () => this.#line.done(),
    });
    if (!this.#line.enter(start)) return refused(receiver, new SightlineError('upstream_saturated'));
    call.hasBeenSent();
    return call;
  }

  #dispatch(request: TransportRequest, call: Call): void {
    call.hasStarted = true;
    try {
      this.#openPool().dispatch(
        {
          method: request.method as Dispatcher.HttpMethod,
          path: request.target,
          headers: request.headers as string[],
          body: request.body ?? null,
        },
        call,
      );
    } catch (thrown) {
      queueMicrotask(() => call.end(thrown));
    }
  }

  #sendWithTrailers(request: TransportRequest, receiver: ReplyReceiver): FlowControl {
    this.#trailers ??= new TrailerTransport(this.#origin, this.#limits);
    if (this.#trailers.queued >= this.#limits.upstreamQueueMax) {
      return refused(receiver, new SightlineError('upstream_saturated'));
    }
    try {
      return this.#trailers.send(request, receiver);
    } catch (thrown) {
      return refused(receiver, transportError(thrown, 'before head'));
    }
  }

  async close(deadlineMs: number): Promise<void> {
    this.#isClosed = true;
    const pool = this.#pool;
    const trailers = this.#trailers;
    const ended = Promise.all([pool && !pool.destroyed ? pool.close() : undefined, trailers?.close()]);
    const { promise: cut, resolve } = Promise.withResolvers<void>();
    // undici does not resolve `close` where `destroy` overtakes it with requests in the queue.
    const deadline = setTimeout(() => {
      trailers?.destroy();
      resolve(pool?.destroy());
    }, deadlineMs);
    await Promise.race([ended, cut]);
    clearTimeout(deadline);
  }

  #openPool(): Pool {
    this.#pool ??= new Pool(this.#origin.origin, {
      connections: this.#limits.upstreamConnectionsMax,
      pipelining: 1,
      // One model of connections for all upstreams: on HTTP/2 the limits below would mean something else.
      allowH2: false,
      keepAliveTimeout: this.#limits.upstreamKeepAliveMs,
      keepAliveMaxTimeout: this.#limits.upstreamKeepAliveMs,
      headersTimeout: this.#limits.replyHeadTimeoutMs,
      bodyTimeout: this.#limits.replyIdleTimeoutMs,
      maxHeaderSize: this.#limits.replyHeadersBytesMax,
      connect: { timeout: this.#limits.connectTimeoutMs },
    });
    return this.#pool;
  }
}

function refused(receiver: ReplyReceiver, error: SightlineError): FlowControl {
  let isOver = false;
  queueMicrotask(() => {
    if (!isOver) receiver.onError(error);
  });
  const nothing = () => undefined;
  return {
    pause: nothing,
    resume: nothing,
    abort: () => {
      isOver = true;
    },
  };
}

/** Trailers of a body in memory are known; a body on its way may have some where its length is unknown. */
function needsTrailers(request: TransportRequest): boolean {
  if (request.body === undefined) return false;
  if (Buffer.isBuffer(request.body)) return request.trailers().length > 0;
  return !request.headers.some((field, i) => i % 2 === 0 && field.toLowerCase() === 'content-length');
}

/** One request on the pool: undici's handler on one side, our receiver on the other. */
class Call implements Dispatcher.DispatchHandler, FlowControl {
  readonly #receiver: ReplyReceiver;
  readonly #place: { readonly left: () => void; readonly done: () => void };
  #controller: Dispatcher.DispatchController | undefined;
  #isSending = true;
  #hasHead = false;
  /** The receiver hears no more. */
  #isOver = false;
  /** undici has let go of it. */
  #isDone = false;
  /** It has a place on the pool, and keeps it until undici lets go. */
  hasStarted = false;

  constructor(receiver: ReplyReceiver, place: { left: () => void; done: () => void }) {
    this.#receiver = receiver;
    this.#place = place;
  }

  /** From here on the receiver may be called. */
  hasBeenSent(): void {
    this.#isSending = false;
  }

  pause(): void {
    if (!this.#isOver) this.#controller?.pause();
  }

  resume(): void {
    if (!this.#isOver) this.#controller?.resume();
  }

  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.hasStarted) this.#controller?.abort(new Error('aborted'));
    else this.#place.left();
  }

  /** It has failed, and undici has nothing to do with it any more. */
  end(thrown: unknown): void {
    this.#fail(thrown);
    this.#done();
  }

  #fail(thrown: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#receiver.onError(transportError(thrown, this.#hasHead ? 'in body' : 'before head'));
  }

  #done(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#place.done();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Aborted while it waited for a connection: it must not be sent.
    if (this.#isOver) controller.abort(new Error('aborted'));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    statusMessage?: string,
  ): void {
    // Interim replies (RFC 9110 §15.2) end at this hop.
    if (this.#isOver || status < 200) return;
    const reason = reasonPhrase(statusMessage);
    if (!isReasonPhrase(reason)) {
      this.#fail(new SightlineError('upstream_invalid_reply'));
      controller.abort(new Error('aborted'));
      return;
    }
    this.#hasHead = true;
    this.#receiver.onHead(status, reason, texts(controller.rawHeaders));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    // undici comes with an empty one after each pause.
    if (!this.#isOver && chunk.length > 0) this.#receiver.onData(chunk);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    const wasOver = this.#isOver;
    this.#isOver = true;
    if (!wasOver) this.#receiver.onEnd(texts(controller.rawTrailers));
    this.#done();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    // undici refuses some requests at once.
    if (this.#isSending) queueMicrotask(() => this.end(error));
    else this.end(error);
  }
}

/** undici reads it as UTF-8; as Latin-1, which is how it is written, it has the same bytes again. */
function reasonPhrase(text: string | undefined): string {
  return text ? Buffer.from(text).toString('latin1') : '';
}

/** Header bytes are Latin-1 (RFC 9110 §5.5): any other reading would change them. */
function texts(raw: Dispatcher.DispatchController['rawHeaders']): RawHeaders {
  if (!Array.isArray(raw)) return [];
  return raw.map((field) => (typeof field === 'string' ? field : field.toString('latin1')));
}
