import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { SightlineError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { isReasonPhrase, transportError } from './failure.ts';
import type { FlowControl, ReplyReceiver, TransportRequest } from './transport.ts';

/**
 * Requests with trailers (RFC 9110 §6.5), and chunked bodies that may still bring some: over Node's own
 * HTTP client, since undici cannot send them. The limits are those of the pool beside it.
 */
export class TrailerTransport {
  readonly #origin: URL;
  readonly #limits: Limits;
  readonly #agent: http.Agent;
  readonly #calls = new Set<TrailerCall>();
  #whenIdle: (() => void)[] = [];

  constructor(origin: URL, limits: Limits) {
    this.#origin = origin;
    this.#limits = limits;
    const options = {
      keepAlive: true,
      maxSockets: limits.upstreamConnectionsMax,
      // Of an idle socket; one in use has timeouts of its own.
      timeout: limits.upstreamKeepAliveMs,
    };
    this.#agent = origin.protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
  }

  get connections(): number {
    return this.running + count(this.#agent.freeSockets);
  }

  get running(): number {
    return count(this.#agent.sockets);
  }

  get queued(): number {
    return count(this.#agent.requests);
  }

  send(request: TransportRequest, receiver: ReplyReceiver): FlowControl {
    const client = this.#origin.protocol === 'https:' ? https : http;
    const outgoing = client.request({
      agent: this.#agent,
      host: this.#origin.hostname.replace(/^\[|\]$/g, ''),
      port: this.#origin.port,
      method: request.method,
      path: request.target,
      headers: chunkedHeaders(request.headers),
      maxHeaderSize: this.#limits.replyHeadersBytesMax,
    });
    const call = new TrailerCall(outgoing, receiver, this.#limits);
    this.#calls.add(call);
    outgoing.once('close', () => {
      this.#calls.delete(call);
      if (this.#calls.size > 0) return;
      for (const resolve of this.#whenIdle) resolve();
      this.#whenIdle = [];
    });
    call.sendBody(request);
    return call;
  }

  /** Resolves when what runs has ended; nothing new may be sent. */
  async close(): Promise<void> {
    if (this.#calls.size > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    this.#agent.destroy();
  }

  /** Cuts off what runs. */
  destroy(): void {
    for (const call of [...this.#calls]) call.fail(new SightlineError('stopping'));
    this.#agent.destroy();
  }
}

/** One request on Node's client on one side, our receiver on the other. */
class TrailerCall implements FlowControl {
  readonly #outgoing: http.ClientRequest;
  readonly #receiver: ReplyReceiver;
  readonly #limits: Limits;
  #body: Readable | undefined;
  #reply: http.IncomingMessage | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isPaused = false;
  #isOver = false;

  constructor(outgoing: http.ClientRequest, receiver: ReplyReceiver, limits: Limits) {
    this.#outgoing = outgoing;
    this.#receiver = receiver;
    this.#limits = limits;
    outgoing.on('socket', (socket) => this.#connect(socket));
    outgoing.on('response', (reply) => this.#begin(reply));
    outgoing.on('error', (error) => this.fail(error));
    outgoing.on('close', () => clearTimeout(this.#timer));
  }

  pause(): void {
    if (this.#isOver) return;
    this.#isPaused = true;
    this.#reply?.pause();
  }

  resume(): void {
    if (this.#isOver || !this.#isPaused) return;
    this.#isPaused = false;
    if (this.#reply) this.#wait('UND_ERR_BODY_TIMEOUT', this.#limits.replyIdleTimeoutMs);
    this.#reply?.resume();
  }

  abort(): void {
    this.#end();
  }

  fail(thrown: unknown): void {
    if (this.#isOver) return;
    this.#end();
    this.#receiver.onError(transportError(thrown, this.#reply ? 'in body' : 'before head'));
  }

  sendBody({ body, trailers }: TransportRequest): void {
    const end = () => {
      const fields = trailers();
      const pairs: [string, string][] = [];
      for (let i = 0; i + 1 < fields.length; i += 2)
        pairs.push([fields[i] as string, fields[i + 1] as string]);
      if (pairs.length > 0) this.#outgoing.addTrailers(pairs);
      this.#outgoing.end();
    };
    if (body === undefined || Buffer.isBuffer(body)) {
      if (body && body.length > 0) this.#outgoing.write(body);
      end();
      return;
    }
    this.#body = body;
    body.on('error', (error) => this.fail(error));
    body.on('end', end);
    body.on('data', (chunk: Buffer) => {
      // The wait for the reply counts from the last that was sent.
      this.#timer?.refresh();
      if (!this.#outgoing.write(chunk)) body.pause();
    });
    this.#outgoing.on('drain', () => body.resume());
  }

  #connect(socket: NonNullable<http.ClientRequest['socket']>): void {
    const ready = () => this.#wait('UND_ERR_HEADERS_TIMEOUT', this.#limits.replyHeadTimeoutMs);
    if (!socket.connecting) {
      ready();
      return;
    }
    this.#wait('UND_ERR_CONNECT_TIMEOUT', this.#limits.connectTimeoutMs);
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', ready);
  }

  #begin(reply: http.IncomingMessage): void {
    if (this.#isOver) return;
    const reason = reply.statusMessage ?? '';
    if (!isReasonPhrase(reason)) {
      this.fail(new SightlineError('upstream_invalid_reply'));
      return;
    }
    this.#reply = reply;
    const waitForMore = () => this.#wait('UND_ERR_BODY_TIMEOUT', this.#limits.replyIdleTimeoutMs);
    waitForMore();
    this.#receiver.onHead(reply.statusCode ?? 0, reason, reply.rawHeaders);
    reply.on('error', (error) => this.fail(error));
    reply.on('end', () => {
      if (this.#isOver) return;
      this.#isOver = true;
      // A reply may come before the request has ended: then nobody wants the rest of it.
      if (!this.#outgoing.writableEnded) this.#cut();
      this.#receiver.onEnd(reply.rawTrailers);
    });
    reply.on('data', (chunk: Buffer) => {
      waitForMore();
      if (!this.#isOver) this.#receiver.onData(chunk);
    });
    if (this.#isPaused) reply.pause();
  }

  #wait(code: string, ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isOver) return;
    this.#timer = setTimeout(() => {
      // A client that does not take what has come is watched by its own side.
      if (!this.#isPaused) this.fail(Object.assign(new Error('timeout'), { code }));
    }, ms);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cut();
  }

  #cut(): void {
    clearTimeout(this.#timer);
    this.#body?.destroy();
    this.#outgoing.destroy();
  }
}

/** Trailers need the chunked coding, which excludes a length (RFC 9112 §6.2). */
function chunkedHeaders(headers: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() !== 'content-length')
      kept.push(headers[i] as string, headers[i + 1] as string);
  }
  kept.push('transfer-encoding', 'chunked');
  return kept;
}

function count(lists: NodeJS.ReadOnlyDict<readonly unknown[]>): number {
  let sum = 0;
  for (const list of Object.values(lists)) sum += list?.length ?? 0;
  return sum;
}
