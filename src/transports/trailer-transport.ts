import http from 'node:http';
import https from 'node:https';
import type { Limits } from '../limits.ts';
import { transportError } from './failure.ts';
import type { FlowControl, ReplyReceiver, TransportRequest } from './transport.ts';

/**
 * Requests with trailers (RFC 9110 §6.5), and chunked bodies that may still bring some: over Node's own
 * HTTP client, since undici cannot send them.
 */
export class TrailerTransport {
  readonly #origin: URL;
  readonly #limits: Limits;
  readonly #agent: http.Agent;

  constructor(origin: URL, limits: Limits) {
    this.#origin = origin;
    this.#limits = limits;
    const options = { keepAlive: true, maxSockets: limits.upstreamConnectionsMax };
    this.#agent = origin.protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
  }

  send(request: TransportRequest, receiver: ReplyReceiver): FlowControl {
    const client = this.#origin.protocol === 'https:' ? https : http;
    let reply: http.IncomingMessage | undefined;
    let isOver = false;
    const fail = (thrown: unknown) => {
      if (isOver) return;
      isOver = true;
      outgoing.destroy();
      receiver.onError(transportError(thrown, reply ? 'in body' : 'before head'));
    };
    const outgoing = client.request({
      agent: this.#agent,
      host: this.#origin.hostname.replace(/^\[|\]$/g, ''),
      port: this.#origin.port,
      method: request.method,
      path: request.target,
      headers: withoutLength(request.headers),
      maxHeaderSize: this.#limits.replyHeadersBytesMax,
    });
    const deadline = timer(this.#limits.connectTimeoutMs, () =>
      fail(Object.assign(new Error('connect timeout'), { code: 'UND_ERR_CONNECT_TIMEOUT' })),
    );
    const waitForReply = () =>
      deadline.set(this.#limits.replyHeadTimeoutMs, () =>
        fail(Object.assign(new Error('reply timeout'), { code: 'UND_ERR_HEADERS_TIMEOUT' })),
      );
    outgoing.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', waitForReply);
      else waitForReply();
    });
    outgoing.on('error', fail);
    outgoing.on('close', () => deadline.clear());
    outgoing.on('response', (incoming) => {
      if (isOver) return;
      reply = incoming;
      const waitForMore = () =>
        deadline.set(this.#limits.replyIdleTimeoutMs, () =>
          fail(Object.assign(new Error('idle timeout'), { code: 'UND_ERR_BODY_TIMEOUT' })),
        );
      waitForMore();
      receiver.onHead(incoming.statusCode ?? 0, incoming.statusMessage ?? '', incoming.rawHeaders);
      incoming.on('data', (chunk: Buffer) => {
        waitForMore();
        if (!isOver) receiver.onData(chunk);
      });
      incoming.on('error', fail);
      incoming.on('end', () => {
        if (isOver) return;
        isOver = true;
        receiver.onEnd(incoming.rawTrailers);
      });
    });
    sendBody(outgoing, request, fail);
    return {
      pause: () => {
        deadline.clear();
        reply?.pause();
      },
      resume: () => reply?.resume(),
      abort: () => {
        isOver = true;
        outgoing.destroy();
      },
    };
  }

  close(): void {
    this.#agent.destroy();
  }
}

function sendBody(
  outgoing: http.ClientRequest,
  request: TransportRequest,
  fail: (thrown: unknown) => void,
): void {
  const end = () => {
    const trailers = request.trailers();
    const pairs: [string, string][] = [];
    for (let i = 0; i + 1 < trailers.length; i += 2)
      pairs.push([trailers[i] as string, trailers[i + 1] as string]);
    if (pairs.length > 0) outgoing.addTrailers(pairs);
    outgoing.end();
  };
  const { body } = request;
  if (body === undefined || Buffer.isBuffer(body)) {
    if (body) outgoing.write(body);
    end();
    return;
  }
  body.on('error', fail);
  body.on('end', end);
  body.on('data', (chunk: Buffer) => {
    if (!outgoing.write(chunk)) body.pause();
  });
  outgoing.on('drain', () => body.resume());
}

/** Trailers need the chunked coding, which excludes a length (RFC 9112 §6.2). */
function withoutLength(headers: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() !== 'content-length')
      kept.push(headers[i] as string, headers[i + 1] as string);
  }
  kept.push('transfer-encoding', 'chunked');
  return kept;
}

function timer(ms: number, onTimeout: () => void) {
  let handle = setTimeout(onTimeout, ms);
  return {
    set(nextMs: number, next: () => void) {
      clearTimeout(handle);
      handle = setTimeout(next, nextMs);
    },
    clear() {
      clearTimeout(handle);
    },
  };
}
