import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Ask } from './payloads.ts';

const headEnd = '\r\n\r\n';
const lastChunk = '\r\n0\r\n\r\n';

/**
 * A kept-alive connection that asks the same thing again and again. It reads no more of a reply than its
 * status and its framing: what the generator costs is missing on the core that it shares.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #request: Buffer;
  #head: Buffer = Buffer.alloc(0);
  /** Bytes of the body that are still to come; undefined for a chunked one, whose end shows in its tail. */
  #missing: number | undefined;
  #tail = '';
  #isInBody = false;
  #reply: PromiseWithResolvers<void> | undefined;

  private constructor(socket: Socket, request: Buffer) {
    this.#socket = socket;
    this.#request = request;
    socket.on('data', (data) => this.#read(data));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection was closed in the middle of a reply')));
  }

  static async open(origin: URL, ask: Ask): Promise<Connection> {
    const socket = connect({ host: origin.hostname, port: Number(origin.port), noDelay: true });
    await once(socket, 'connect');
    return new Connection(socket, requestBytes(origin, ask));
  }

  /** Resolves when the reply is complete. Rejects where it is none with status 200. One at a time. */
  send(): Promise<void> {
    this.#reply = Promise.withResolvers();
    this.#isInBody = false;
    this.#head = Buffer.alloc(0);
    this.#socket.write(this.#request);
    return this.#reply.promise;
  }

  close(): void {
    this.#reply = undefined;
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    const body = this.#isInBody ? data : this.#afterHead(data);
    if (body === undefined) return;
    if (this.#missing === undefined) {
      this.#tail = (this.#tail + body.toString('latin1', body.length - lastChunk.length)).slice(
        -lastChunk.length,
      );
      if (this.#tail === lastChunk) this.#reply?.resolve();
    } else {
      this.#missing -= body.length;
      if (this.#missing === 0) this.#reply?.resolve();
    }
  }

  #afterHead(data: Buffer): Buffer | undefined {
    this.#head = this.#head.length === 0 ? data : Buffer.concat([this.#head, data]);
    const end = this.#head.indexOf(headEnd);
    if (end === -1) return undefined;
    const head = this.#head.toString('latin1', 0, end);
    if (!head.startsWith('HTTP/1.1 200 ')) this.#fail(new Error(`answered '${head.split('\r\n', 1)[0]}'`));
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    this.#missing = length === undefined ? undefined : Number(length);
    this.#tail = '';
    this.#isInBody = true;
    return this.#head.subarray(end + headEnd.length);
  }

  #fail(error: Error): void {
    this.#reply?.reject(error);
  }
}

function requestBytes(origin: URL, { path, headers, body }: Ask): Buffer {
  const fields = Object.entries({ host: origin.host, ...headers, 'content-length': Buffer.byteLength(body) });
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines}\r\n${body}`);
}
