import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { SightlineError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { streamPath } from '../stream/protocol.ts';
import { httpAddress, isWebSocket } from '../upstreams/http-address.ts';
import { headerValue, type RawHeaders } from '../wire/headers.ts';
import { isReasonPhrase, transportError } from './failure.ts';

/** A WebSocket handshake as it goes to an upstream. */
export interface UpgradeRequest {
  /** The upstream's. That of another Sightline is the one of its stream protocol. */
  readonly address: URL;
  /** Path and query string, as `Upstream.request` gives them. */
  readonly target: string;
  /** End-to-end headers, `host` and `sec-websocket-key` among them. */
  readonly headers: RawHeaders;
  readonly limits: Pick<Limits, 'connectTimeoutMs' | 'upgradeTimeoutMs' | 'replyHeadersBytesMax'>;
}

interface AnswerHead {
  readonly status: number;
  readonly statusMessage: string;
  readonly headers: RawHeaders;
}

/** What the upstream answers. */
export type UpgradeAnswer =
  /** The connection is a WebSocket. Nothing has been read from it that is not still to come. */
  | (AnswerHead & { readonly kind: 'switched'; readonly socket: Socket })
  /** It stays HTTP. Whoever gets this reads the body, or destroys it. */
  | (AnswerHead & { readonly kind: 'reply'; readonly body: http.IncomingMessage });

/**
 * Asks an upstream for a WebSocket, on a connection of its own. Rejects with a `SightlineError`: no connection
 * (`upstream_unreachable`), no answer (`upstream_closed`, `upstream_timeout`), or one that is no answer to this
 * handshake (`upstream_invalid_reply`). Aborted by the signal, it rejects as well.
 */
export function openUpgrade(request: UpgradeRequest, signal: AbortSignal): Promise<UpgradeAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<UpgradeAnswer>();
  let outgoing: http.ClientRequest | undefined;
  let isOver = false;
  const over = () => {
    isOver = true;
    timer.stop();
    signal.removeEventListener('abort', abort);
  };
  const answer = (given: UpgradeAnswer) => {
    over();
    resolve(given);
  };
  const fail = (thrown: unknown) => {
    if (isOver) return;
    over();
    reject(transportError(thrown, 'before head'));
    outgoing?.destroy();
  };
  const abort = () => fail(signal.reason);
  const timer = new PhaseTimer(fail);
  signal.addEventListener('abort', abort);
  try {
    if (signal.aborted) throw signal.reason;
    outgoing = send(request);
  } catch (thrown) {
    fail(thrown);
    return promise;
  }
  timer.watch(outgoing, request.limits);
  outgoing.on('upgrade', (reply, socket, head) => {
    // 'close' tells what is needed.
    socket.on('error', () => undefined);
    const problem = isOver ? 'nobody waits for it' : problemOf(request, reply);
    if (problem !== undefined) {
      socket.destroy();
      fail(invalid(problem));
      return;
    }
    if (head.length > 0) socket.unshift(head);
    answer({ kind: 'switched', ...headOf(reply), socket });
  });
  outgoing.on('response', (reply) => {
    const isOne = reply.statusCode !== 101 && isReasonPhrase(reply.statusMessage ?? '');
    if (isOver) reply.destroy();
    else if (isOne) answer({ kind: 'reply', ...headOf(reply), body: reply });
    else fail(invalid('it is none to a WebSocket handshake'));
  });
  outgoing.on('error', fail);
  outgoing.on('close', () => fail(new SightlineError('upstream_closed')));
  outgoing.end();
  return promise;
}

function send({ address, target, headers, limits }: UpgradeRequest): http.ClientRequest {
  const { protocol, hostname, port } = httpAddress(address);
  const client = protocol === 'https:' ? https : http;
  return client.request({
    // A connection that becomes a WebSocket is nobody else's before or after.
    agent: false,
    host: hostname.replace(/^\[|\]$/g, ''),
    port,
    method: 'GET',
    path: basePath(address) + target,
    headers: [...headers, 'connection', 'Upgrade', 'upgrade', 'websocket'],
    maxHeaderSize: limits.replyHeadersBytesMax,
  });
}

/** What other Sightlines serve, they serve beside their stream protocol. */
function basePath(address: URL): string {
  if (!isWebSocket(address)) return '';
  const { pathname } = address;
  const path = pathname.endsWith(streamPath) ? pathname.slice(0, -streamPath.length) : pathname;
  return path.replace(/\/+$/, '');
}

/** Connecting has its time, and the answer has its own from then on. */
class PhaseTimer {
  readonly #fail: (thrown: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(fail: (thrown: unknown) => void) {
    this.#fail = fail;
  }

  watch(outgoing: http.ClientRequest, limits: UpgradeRequest['limits']): void {
    outgoing.on('socket', (socket) => {
      const ready = () => this.#wait('UND_ERR_HEADERS_TIMEOUT', limits.upgradeTimeoutMs);
      if (!socket.connecting) {
        ready();
        return;
      }
      this.#wait('UND_ERR_CONNECT_TIMEOUT', limits.connectTimeoutMs);
      socket.once('encrypted' in socket ? 'secureConnect' : 'connect', ready);
    });
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #wait(code: string, ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isOver) return;
    this.#timer = setTimeout(() => this.#fail(Object.assign(new Error('timeout'), { code })), ms);
  }
}

function headOf({ statusCode = 0, statusMessage = '', rawHeaders }: http.IncomingMessage): AnswerHead {
  return { status: statusCode, statusMessage, headers: rawHeaders };
}

/** RFC 6455 §4.1: what makes a 101 the answer to this handshake; undefined where it is. */
function problemOf({ headers }: UpgradeRequest, reply: http.IncomingMessage): string | undefined {
  const { upgrade, connection, 'sec-websocket-accept': accept } = reply.headers;
  if (!isReasonPhrase(reply.statusMessage ?? '')) return 'its reason phrase is no text';
  if (upgrade?.toLowerCase() !== 'websocket') return 'it switches to another protocol';
  const tokens = (connection ?? '').toLowerCase().split(',');
  if (!tokens.some((token) => token.trim() === 'upgrade')) return 'its connection header is not "upgrade"';
  const key = headerValue(headers, 'sec-websocket-key') ?? '';
  if (accept !== acceptOf(key)) return 'its sec-websocket-accept does not belong to the key';
  return undefined;
}

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

function invalid(why: string): SightlineError {
  return new SightlineError('upstream_invalid_reply', {
    message: `The upstream's answer to the WebSocket handshake is not valid: ${why}.`,
  });
}
