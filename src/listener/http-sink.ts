import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { ReplySink, SinkWatcher } from '../flow/reply-sink.ts';
import type { Limits } from '../limits.ts';
import { headerValue, type RawHeaders, withoutHeaders } from '../wire/headers.ts';

type SinkLimits = Pick<Limits, 'clientStallTimeoutMs' | 'lingerTimeoutMs'>;

const nothing = Buffer.alloc(0);
const trailer: ReadonlySet<string> = new Set(['trailer']);

/** The request's place on its connection, told when its reply is over. */
export interface SinkTurn {
  over(): void;
}

/** The client's side of an HTTP exchange: Node's response, with its back pressure and its end. */
export class HttpSink implements ReplySink {
  readonly #response: ServerResponse;
  readonly #limits: SinkLimits;
  readonly #turn: SinkTurn | undefined;
  #stall: NodeJS.Timeout | undefined;
  #framing: 'length' | 'chunked' | 'close' = 'chunked';
  #endsConnection = false;
  #hasWritten = false;
  #hasStalled = false;
  #isBroken = false;
  #isOver = false;
  watcher: SinkWatcher | undefined;

  constructor(response: ServerResponse, limits: SinkLimits, turn?: SinkTurn) {
    this.#response = response;
    this.#limits = limits;
    this.#turn = turn;
    response.on('drain', () => {
      this.#stopWaiting();
      this.watcher?.onDrain();
    });
    response.on('close', () => {
      this.#stopWaiting();
      this.#over(response.writableFinished);
    });
    // The error of a socket that died under a write; 'close' follows and tells the rest.
    response.on('error', () => undefined);
  }

  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  head(status: number, statusMessage: string | undefined, headers: RawHeaders): void {
    const response = this.#response;
    // The upstream's own date passes through; where it sent none, this hop adds none.
    response.sendDate = false;
    const hasLength = headerValue(headers, 'content-length') !== undefined;
    // Node refuses to announce trailers that cannot come (RFC 9110 §6.6.2).
    const isVain =
      headerValue(headers, 'trailer') !== undefined && (hasLength || !mayHaveChunks(response, status));
    const sent = isVain ? withoutHeaders(headers, trailer) : headers;
    // Node's types know header lists only as unknown arrays.
    response.writeHead(status, statusMessage ?? STATUS_CODES[status] ?? '', sent as string[]);
    this.#framing = response.chunkedEncoding ? 'chunked' : hasLength ? 'length' : 'close';
    this.#endsConnection = !response.shouldKeepAlive || headerValue(headers, 'connection') === 'close';
    // A stream's head is worth having before its first event; where the body came with it, one write will do.
    queueMicrotask(() => {
      // Not `flushHeaders`, which writes header bytes beyond ASCII as UTF-8.
      if (!this.#hasWritten) response.write(nothing);
    });
  }

  write(chunk: Buffer): boolean {
    this.#hasWritten = true;
    const hasRoom = this.#response.write(chunk);
    if (!hasRoom) this.#waitForClient();
    return hasRoom;
  }

  end(trailers: RawHeaders): void {
    this.#hasWritten = true;
    const { req: request } = this.#response;
    if (!request.complete) request.unpipe().resume();
    if (trailers.length > 0 && this.#response.chunkedEncoding) {
      const pairs: [string, string][] = [];
      for (let i = 0; i + 1 < trailers.length; i += 2)
        pairs.push([trailers[i] as string, trailers[i + 1] as string]);
      this.#response.addTrailers(pairs);
    }
    if (this.#clientStillSends) this.#linger();
    else this.#response.end();
    if (this.#response.writableLength > 0) this.#waitForClient();
  }

  break(): void {
    const { socket } = this.#response;
    if (!socket) return;
    this.#isBroken = true;
    this.#stopWaiting();
    // Without framing (HTTP/1.0) only a reset tells a broken reply from a complete one.
    if (this.#framing === 'close' || this.#hasStalled) socket.resetAndDestroy();
    else socket.destroySoon();
    this.#waitForClient();
  }

  /** The connection ends with this reply, and the client still sends its request. */
  get #clientStillSends(): boolean {
    const { req: request, socket } = this.#response;
    const isOpen = !request.complete && socket?.readableEnded === false;
    return this.#endsConnection && this.#framing === 'length' && isOpen;
  }

  /** The client has the whole reply, by its length; the connection waits until it has sent its request. */
  #linger(): void {
    const response = this.#response;
    const request = response.req;
    const close = () => {
      clearTimeout(timer);
      response.end();
    };
    const timer = setTimeout(close, this.#limits.lingerTimeoutMs).unref();
    request.once('end', close);
    request.once('close', close);
    request.resume();
    response.write(nothing, (error) => this.#over(!error));
  }

  #over(isSent: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.watcher?.onClose(isSent);
    this.#turn?.over();
  }

  #waitForClient(): void {
    const { socket, closed } = this.#response;
    if (this.#stall || closed || !socket) return;
    const takenBefore = socket.bytesWritten - socket.writableLength;
    this.#stall = setTimeout(() => {
      this.#stall = undefined;
      // Slow is not stalled.
      if (socket.bytesWritten - socket.writableLength > takenBefore) this.#waitForClient();
      else this.#stalled();
    }, this.#limits.clientStallTimeoutMs).unref();
  }

  #stalled(): void {
    this.#hasStalled = true;
    if (this.#isBroken) this.#response.socket?.destroy();
    else this.watcher?.onStall();
  }

  #stopWaiting(): void {
    clearTimeout(this.#stall);
    this.#stall = undefined;
  }
}

/** Trailers come after the last chunk (RFC 9112 §7.1.2); HTTP/1.0 has no chunks, and some replies have no body. */
function mayHaveChunks({ req: request }: ServerResponse, status: number): boolean {
  return request.httpVersion !== '1.0' && request.method !== 'HEAD' && status !== 204 && status !== 304;
}
