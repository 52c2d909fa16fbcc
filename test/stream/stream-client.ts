import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { type ClientOptions, WebSocket } from 'ws';
import type {
  ChunkMessage,
  ErrorMessage,
  MessageId,
  ResponseMessage,
  ServerMessage,
} from '../../src/stream/protocol.ts';
import { streamPath, streamSubprotocol } from '../../src/stream/protocol.ts';

export type Sent = Readonly<Record<string, unknown>>;

/** What came of one query, up to now. */
export interface Answer {
  readonly chunks: readonly ChunkMessage[];
  readonly response: ResponseMessage | undefined;
  readonly error: ErrorMessage['error'] | undefined;
}

/** A client of the stream protocol, of which nothing is assumed but JSON and WebSocket. */
export class StreamClient {
  readonly socket: WebSocket;
  readonly messages: ServerMessage[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  headers: IncomingHttpHeaders = {};
  status = 0;
  readonly #looks = new Set<() => void>();
  #socket: Socket | undefined;

  private constructor(url: string, options: ClientOptions) {
    this.socket = new WebSocket(url, streamSubprotocol, { perMessageDeflate: false, ...options });
    const { promise, resolve } = Promise.withResolvers<{ code: number; reason: string }>();
    this.closed = promise;
    this.socket.on('upgrade', ({ headers, statusCode = 0, socket }) => {
      this.headers = headers;
      this.status = statusCode;
      this.#socket = socket;
    });
    this.socket.on('message', (data, isBinary) => {
      assert.equal(isBinary, false);
      this.messages.push(JSON.parse(String(data)));
      this.#look();
    });
    this.socket.on('close', (code, reason) => {
      resolve({ code, reason: String(reason) });
      this.#look();
    });
    this.socket.on('error', () => undefined);
  }

  static async open(
    service: { readonly dataUrl: string },
    options: ClientOptions = {},
  ): Promise<StreamClient> {
    const client = new StreamClient(`${service.dataUrl.replace('http', 'ws')}${streamPath}`, options);
    await once(client.socket, 'open');
    return client;
  }

  /** Beneath the WebSocket, for frames that no client would send. */
  get raw(): Socket {
    assert.ok(this.#socket);
    return this.#socket;
  }

  send(...messages: readonly (Sent | string)[]): void {
    for (const message of messages)
      this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Sends a query, and waits for its last message. */
  async ask(message: Sent): Promise<Answer> {
    this.send({ type: 'query', ...message });
    return this.answer(message.id as MessageId);
  }

  /** Waits for the last message of a query. */
  async answer(id: MessageId): Promise<Answer> {
    await this.until(
      (message) => message.id === id && (message.type === 'response' || message.type === 'error'),
    );
    return this.of(id);
  }

  of(id: MessageId): Answer {
    const own = this.messages.filter((message) => message.id === id);
    return {
      chunks: own.filter((message) => message.type === 'chunk'),
      response: own.find((message) => message.type === 'response'),
      error: own.find((message) => message.type === 'error')?.error,
    };
  }

  /** The first message that is wanted, among those that have come and those that will. */
  async until(isWanted: (message: ServerMessage) => boolean): Promise<ServerMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<ServerMessage>();
    const look = () => {
      const found = this.messages.find(isWanted);
      if (found) resolve(found);
      else if (this.socket.readyState === WebSocket.CLOSED)
        reject(new Error(`closed after ${JSON.stringify(this.messages).slice(-2_000)}`));
    };
    this.#looks.add(look);
    look();
    return promise.finally(() => this.#looks.delete(look));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.resume();
    this.socket.close();
    await this.closed;
  }

  #look(): void {
    for (const look of this.#looks) look();
  }
}

/** The body of a reply that came in bytes. */
export function bytesOf({ chunks }: Answer): Buffer {
  return Buffer.concat(
    chunks.map(({ text, base64 }) =>
      base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64'),
    ),
  );
}

/** A query of the chat API. */
export function chat(id: MessageId, model: string, more: Sent = {}): Sent {
  const { body = {}, ...rest } = more as { body?: Sent };
  return {
    type: 'query',
    id,
    path: '/v1/chat/completions',
    body: { model, stream: true, messages: [{ role: 'user', content: 'Hello!' }], ...body },
    ...rest,
  };
}
