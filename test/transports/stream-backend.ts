import { isUtf8 } from 'node:buffer';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  clientMessages,
  type MessageHeaders,
  type MessageId,
  type QueryMessage,
  streamPath,
  streamSubprotocol,
} from '../../src/stream/protocol.ts';
import type { RawHeaders } from '../../src/wire/headers.ts';
import type { Arrival, Backend } from '../contract/transport-backend.ts';

/** No chunk is larger. */
const chunkBytesMax = 64 * 1024;

export interface StreamBackend extends Backend {
  /** Every connection that was ever taken. */
  readonly connections: readonly StreamConnection[];
  /** Every upgrade, also those that were refused. */
  readonly upgrades: readonly IncomingMessage[];
  /** Answers the next upgrades with this status; undefined takes them. */
  refuseWith: number | undefined;
  /** The server's pongs to pings of the WebSocket. */
  isDeaf: boolean;
  /** Takes no connections until it listens again; those that there are stay. */
  stopListening(): void;
  listenAgain(): Promise<void>;
}

/** The stream protocol's other end, as far as a transport needs one, and no more reliable than it is told to be. */
export async function startStreamBackend(
  serve: (arrival: StreamArrival) => void | Promise<void>,
): Promise<StreamBackend> {
  const connections: StreamConnection[] = [];
  const upgrades: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const http = createServer();
  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: true,
    autoPong: false,
    handleProtocols: (offered) => offered.has(streamSubprotocol) && streamSubprotocol,
  });
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  http.on('upgrade', (request, socket, head) => {
    upgrades.push(request);
    const status = backend.refuseWith ?? (request.url === streamPath ? undefined : 404);
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      connections.push(new StreamConnection(webSocket, socket as Socket, backend, serve));
    });
  });
  const listen = async (port: number) => {
    http.listen(port, '127.0.0.1');
    await once(http, 'listening');
    return (http.address() as AddressInfo).port;
  };
  const port = await listen(0);
  const backend: StreamBackend = {
    url: new URL(`ws://127.0.0.1:${port}${streamPath}`),
    connections,
    upgrades,
    refuseWith: undefined,
    isDeaf: false,
    get connectionsTaken() {
      return connections.length;
    },
    stopListening() {
      http.close();
    },
    async listenAgain() {
      await listen(port);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      if (!http.listening) return;
      http.close();
      await once(http, 'close');
    },
  };
  return backend;
}

/** One connection. A message that is not as the protocol wants it fails the test, as an exception that nobody catches. */
export class StreamConnection {
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  /** As they came. */
  readonly received: { readonly type: string; readonly id?: MessageId; readonly bytes?: number }[] = [];
  readonly #arrivals = new Map<MessageId, StreamArrival>();
  readonly #closed = Promise.withResolvers<{ code: number; reason: string }>();
  readonly #watchers = new Set<() => void>();

  constructor(
    webSocket: WebSocket,
    socket: Socket,
    backend: { readonly isDeaf: boolean },
    serve: (arrival: StreamArrival) => void | Promise<void>,
  ) {
    this.webSocket = webSocket;
    this.socket = socket;
    webSocket.on('error', () => undefined);
    webSocket.on('ping', () => {
      if (!backend.isDeaf) webSocket.pong();
    });
    webSocket.on('close', (code, reason) => {
      for (const arrival of this.#arrivals.values()) arrival.isWanted = false;
      this.#closed.resolve({ code, reason: String(reason) });
      this.#wake();
    });
    webSocket.on('message', (data: Buffer) => {
      const message = JSON.parse(String(data));
      this.received.push(message);
      this.#receive(message, serve);
      this.#wake();
    });
  }

  send(message: object): void {
    this.webSocket.send(JSON.stringify(message));
  }

  /** Resolves with the close frame that came, or 1006. */
  get closed(): Promise<{ code: number; reason: string }> {
    return this.#closed.promise;
  }

  /** Resolves when there is one. */
  async message(type: string): Promise<StreamConnection['received'][number]> {
    for (;;) {
      const found = this.received.find((one) => one.type === type);
      if (found) return found;
      await this.change();
    }
  }

  /** Resolves with the next message, or the close. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#watchers.add(resolve));
  }

  #wake(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const wake of watchers) wake();
  }

  #receive(
    message: { type: string; id: MessageId },
    serve: (arrival: StreamArrival) => void | Promise<void>,
  ): void {
    if (message.type === 'query') {
      const arrival = new StreamArrival(this, clientMessages.query.parse(message));
      this.#arrivals.set(message.id, arrival);
      void serve(arrival);
      return;
    }
    const arrival = this.#arrivals.get(message.id);
    if (message.type === 'window') arrival?.grant(clientMessages.window.parse(message).bytes);
    if (message.type === 'cancel' && arrival?.isWanted) {
      arrival.isWanted = false;
      const error = {
        code: 'client_aborted',
        message: 'The client hung up.',
        status: 499,
        outcome: 'client_aborted',
      };
      this.send({ type: 'error', id: message.id, error });
    }
  }
}

export class StreamArrival implements Arrival {
  readonly connection: StreamConnection;
  readonly query: QueryMessage;
  /** Neither cancelled nor answered, and its connection is there. */
  isWanted = true;
  #window: number;
  #head: object | undefined = {};

  constructor(connection: StreamConnection, query: QueryMessage) {
    this.connection = connection;
    this.query = query;
    this.#window = query.window ?? Number.POSITIVE_INFINITY;
  }

  get id(): MessageId {
    return this.query.id;
  }

  get method(): string {
    return this.query.method;
  }

  get target(): string {
    return this.query.path;
  }

  get headers(): RawHeaders {
    return rawOf(this.query.headers);
  }

  get trailers(): RawHeaders {
    return rawOf(this.query.trailers);
  }

  get body(): Buffer {
    return this.query.text === undefined
      ? Buffer.from(this.query.base64 ?? '', 'base64')
      : Buffer.from(this.query.text);
  }

  grant(bytes: number): void {
    this.#window += bytes;
  }

  async head(status: number, statusMessage: string, headers: RawHeaders): Promise<void> {
    this.#head = { status, statusMessage, headers: listsOf(headers) };
    this.#send({ type: 'chunk', ...this.#head });
  }

  async piece(bytes: string | Uint8Array): Promise<void> {
    let rest = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
    while (rest.length > 0 && this.isWanted) {
      while (this.#window <= 0 && this.isWanted) await this.connection.change();
      const piece = rest.subarray(0, Math.min(chunkBytesMax, this.#window));
      rest = rest.subarray(piece.length);
      this.#window -= piece.length;
      this.#send({
        type: 'chunk',
        ...(isUtf8(piece) ? { text: String(piece) } : { base64: piece.toString('base64') }),
      });
    }
  }

  async end(trailers: RawHeaders = []): Promise<void> {
    this.#send({
      type: 'response',
      status: 200,
      ...this.#head,
      ...(trailers.length > 0 && { trailers: listsOf(trailers) }),
      outcome: 'completed',
    });
    this.isWanted = false;
  }

  async garbage(): Promise<void> {
    this.connection.webSocket.send('this is not JSON');
  }

  breakOff(how: 'close' | 'reset'): void {
    if (how === 'close') this.connection.webSocket.close(1001, 'bye');
    else this.connection.socket.resetAndDestroy();
  }

  async unwanted(): Promise<void> {
    while (this.isWanted) await this.connection.change();
  }

  async disconnected(): Promise<void> {
    await this.connection.closed;
  }

  #send(message: object): void {
    if (this.isWanted) this.connection.send({ ...message, id: this.id });
  }
}

function rawOf(headers: MessageHeaders = {}): string[] {
  return Object.entries(headers).flatMap(([name, value]) => [value].flat().flatMap((one) => [name, one]));
}

function listsOf(headers: RawHeaders): MessageHeaders {
  const lists: Record<string, string[]> = {};
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string;
    lists[name] = [...(lists[name] ?? []), headers[i + 1] as string];
  }
  return lists;
}
