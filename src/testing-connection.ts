import { on, once } from 'node:events';
import { WebSocket } from 'ws';
import { type JsonObject, parseJsonObject } from './wire/json.ts';

/** A client's side of a WebSocket whose messages are JSON objects. `await using` closes it, as `close` does. */
export interface TestConnection extends AsyncDisposable {
  send(message: JsonObject): void;
  /** The messages of the other side one by one; waits for one to come. Rejects where the connection is closed. */
  next(): Promise<JsonObject>;
  /** Resolves when both sides have closed. Idempotent. */
  close(): Promise<void>;
}

/** Rejects where the handshake is answered with something else. */
export async function openConnection(
  url: URL,
  headers: Readonly<Record<string, string>> = {},
): Promise<TestConnection> {
  url.protocol = 'ws:';
  const socket = new WebSocket(url, { headers });
  const connection = new OpenConnection(socket);
  await once(socket, 'open');
  return connection;
}

class OpenConnection implements TestConnection {
  readonly #socket: WebSocket;
  readonly #messages: AsyncIterator<unknown[]>;
  readonly #closed: Promise<unknown>;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    // From the first moment on: a message may come with the handshake's answer.
    this.#messages = on(socket, 'message', { close: ['close'] });
    this.#closed = new Promise((resolve) => socket.once('close', resolve));
  }

  send(message: JsonObject): void {
    this.#socket.send(JSON.stringify(message));
  }

  async next(): Promise<JsonObject> {
    const { value, done } = await this.#messages.next();
    if (done) throw new Error('The connection is closed, and every message was taken.');
    const text = String(value[0]);
    const message = parseJsonObject(text);
    if (!message) throw new Error(`Expected a JSON object, and '${text.slice(0, 200)}' has come.`);
    return message;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
