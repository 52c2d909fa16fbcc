import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** A message, either way. */
export type Message = { readonly type: string; readonly [field: string]: unknown };

/** The server's side of the stream protocol, played by a test. */
export class FakeServer implements AsyncDisposable {
  readonly #server: WebSocketServer;
  readonly #connections = new Arrivals<FakeConnection>();

  static async start(port = 0): Promise<FakeServer> {
    const server = new WebSocketServer({ host: '127.0.0.1', port });
    await once(server, 'listening');
    return new FakeServer(server);
  }

  constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', (socket, request) => this.#connections.add(new FakeConnection(socket, request)));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/stream`;
  }

  get sockets(): ReadonlySet<WebSocket> {
    return this.#server.clients;
  }

  /** The next one that a client makes, or has made. */
  connection(): Promise<FakeConnection> {
    return this.#connections.next();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export class FakeConnection {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  readonly ended: Promise<{ readonly code: number }>;
  readonly #messages = new Arrivals<Message>();

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.socket = socket;
    this.request = request;
    this.ended = new Promise((resolve) => socket.once('close', (code) => resolve({ code })));
    socket.on('message', (data) => this.#messages.add(JSON.parse(String(data))));
  }

  /** The client's next message. */
  next(): Promise<Message> {
    return this.#messages.next();
  }

  /** Those that came and that no test has asked for. */
  get unread(): readonly Message[] {
    return this.#messages.here;
  }

  /** Returns its length in bytes: what a chunk takes of the window. */
  send(message: Message): number {
    const text = JSON.stringify(message);
    this.socket.send(text);
    return Buffer.byteLength(text);
  }

  /** Resolves when the client has taken everything that was sent before, and its answers to that are here. */
  async settled(): Promise<void> {
    this.socket.ping();
    await once(this.socket, 'pong');
  }

  respond(id: unknown, fields: Readonly<Record<string, unknown>> = {}): void {
    this.send({ type: 'response', id, status: 200, outcome: 'completed', ...fields });
  }
}

/** All that a loop over them gets. */
export async function eventsOf<T>(events: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const event of events) list.push(event);
  return list;
}

class Arrivals<T> {
  readonly here: T[] = [];
  readonly #waiting: ((one: T) => void)[] = [];

  add(one: T): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(one);
    else this.here.push(one);
  }

  next(): Promise<T> {
    const [one] = this.here.splice(0, 1);
    return one === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(one);
  }
}
