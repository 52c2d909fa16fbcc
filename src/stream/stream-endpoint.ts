import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { SightlineError } from '../errors.ts';
import { replyHeaders } from '../flow/reply-headers.ts';
import type { Limits } from '../limits.ts';
import type { Session, Upgrade } from '../session/session.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { RawHeaders } from '../wire/headers.ts';
import { Admission, type AnswerHandshake } from './admission.ts';
import { compression, wantsCompression } from './compression.ts';
import { streamSubprotocol } from './protocol.ts';
import { StreamSession } from './stream-session.ts';

export interface StreamEndpointOptions {
  /** The longest prefix first. */
  readonly upstreams: readonly Upstream[];
  /** For handshakes that are answered with HTTP. */
  readonly answer: AnswerHandshake;
}

/** The stream protocol's side of the data plane. */
export class StreamEndpoint {
  readonly #options: StreamEndpointOptions;
  /** Shared by all connections; made when the first comes. */
  #plain: WebSocketServer | undefined;
  #compressing: WebSocketServer | undefined;
  readonly #headers = new WeakMap<IncomingMessage, RawHeaders>();
  /** What ws does not like about a handshake. */
  readonly #complaints = new WeakMap<IncomingMessage, string>();

  constructor(options: StreamEndpointOptions) {
    this.#options = options;
  }

  /** Answers the handshake, and runs the session to its end. Throws where the handshake cannot be answered so. */
  accept(session: Session, upgrade: Upgrade): void {
    const { services, exchange } = session;
    const passage = services.stack.enter(exchange);
    // Clients need not wait for the answer: what comes meanwhile is read and counted.
    const bytesBefore = (upgrade.socket as Socket).bytesRead - upgrade.head.length;
    const open = () => this.#open(session, upgrade, bytesBefore);
    if (passage) void new Admission(session, upgrade, this.#options.answer).enter(passage, open);
    else open();
  }

  /** Returns the headers of the answer. */
  #open(session: Session, upgrade: Upgrade, bytesBefore: number): RawHeaders {
    const { exchange, facts } = session;
    const { request, head } = upgrade;
    // Connections of an HTTP server are nothing else.
    const socket = upgrade.socket as Socket;
    const headers = replyHeaders(exchange, []);
    this.#headers.set(request, headers);
    let webSocket: WebSocket | undefined;
    this.#serverFor(request, session.services.limits).handleUpgrade(request, socket, head, (opened) => {
      webSocket = opened;
    });
    if (!webSocket) {
      if (!socket.destroyed) throw badUpgrade(this.#complaints.get(request));
      session.end('client_aborted', new SightlineError('client_aborted'));
      return headers;
    }
    exchange.status = 101;
    facts.subprotocol = webSocket.protocol || undefined;
    new StreamSession(session, { webSocket, socket, bytesBefore }, this.#options.upstreams);
    return headers;
  }

  #serverFor(request: IncomingMessage, limits: Limits): WebSocketServer {
    if (wantsCompression(request)) {
      this.#compressing ??= this.#createServer(limits, true);
      return this.#compressing;
    }
    this.#plain ??= this.#createServer(limits, false);
    return this.#plain;
  }

  #createServer(limits: Limits, compresses: boolean): WebSocketServer {
    const options: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      // Pings are counted before they are answered.
      autoPong: false,
      maxPayload: limits.messageBytesMax,
      closeTimeout: limits.closeTimeoutMs,
      perMessageDeflate: compresses && compression,
      handleProtocols: (offered) => offered.has(streamSubprotocol) && streamSubprotocol,
    };
    const server = new WebSocketServer(options);
    server.on('headers', (lines, request) => {
      const headers = this.#headers.get(request) ?? [];
      for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
    });
    server.on('wsClientError', (error, _socket, request) => this.#complaints.set(request, error.message));
    return server;
  }
}

function badUpgrade(why: string | undefined): SightlineError {
  const { message } = new SightlineError('bad_upgrade');
  return new SightlineError('bad_upgrade', { message: why === undefined ? message : `${message} ${why}.` });
}
