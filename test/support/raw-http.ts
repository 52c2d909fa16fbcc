import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/*
 * HTTP/1.1 over plain sockets, for both ends: what a library would tidy up (letter case, order, duplicates,
 * bytes that are no text, broken ends) is seen and sent here as it is. Text is Latin-1, so that every byte
 * has its character.
 */

export interface RawHead {
  /** Without its line end: `HTTP/1.1 200 OK`, `GET / HTTP/1.1`. */
  readonly startLine: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

export interface RawMessage extends RawHead {
  readonly body: Buffer;
  /** Sizes of the chunks, where the body was chunked. */
  readonly chunks: readonly number[];
  readonly trailers: readonly string[];
  /** It came to the end that its framing announced, or to a proper close where it announced none. */
  readonly isComplete: boolean;
}

/** Statuses that never have a body (RFC 9110 §6.4.1). */
const bodyless = new Set([204, 304]);

/** One end of a connection. It reads only when asked to, so that the other end feels the pressure. */
export class RawConnection {
  readonly socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #wasReset = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {
      this.#wasReset = true;
    });
  }

  static async open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  /** The other end is gone, and not by a proper close. */
  get wasReset(): boolean {
    return this.#wasReset;
  }

  /** Resolves when there is room for more; false where the connection is gone. */
  async send(bytes: string | Uint8Array): Promise<boolean> {
    if (this.socket.destroyed || this.socket.writableEnded) return false;
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    return new Promise((resolve) => {
      const gone = () => resolve(false);
      this.socket.once('close', gone);
      this.socket.write(data, (error) => {
        this.socket.off('close', gone);
        resolve(!error);
      });
    });
  }

  /** The head of the next message; undefined where the connection ends before it. */
  async head(): Promise<RawHead | undefined> {
    const startLine = await this.#line();
    if (startLine === undefined) return undefined;
    const headers = await this.#fields();
    return headers && { startLine, headers };
  }

  /** The next reply that is not an interim one. */
  async reply(method = 'GET'): Promise<RawMessage | undefined> {
    let head = await this.head();
    while (head && statusOf(head) < 200) head = await this.head();
    if (!head) return undefined;
    const hasBody = method !== 'HEAD' && !bodyless.has(statusOf(head));
    return this.#message(head, hasBody ? 'reply' : 'none');
  }

  async request(): Promise<RawMessage | undefined> {
    const head = await this.head();
    return head && this.#message(head, 'request');
  }

  /** The content of the next chunk of a chunked body; undefined at its end, broken or not. */
  async chunk(): Promise<Buffer | undefined> {
    const size = Number.parseInt((await this.#line()) ?? '0', 16);
    if (size === 0) return undefined;
    const content = await this.#bytes(size);
    if (content.length < size || (await this.#line()) === undefined) return undefined;
    return content;
  }

  /** Whatever has come, at least a byte; undefined where the connection has ended. */
  async some(): Promise<Buffer | undefined> {
    if (this.#rest.length === 0 && !(await this.#more())) return undefined;
    return this.#take(this.#rest.length);
  }

  /** Whatever comes until the other end closes. */
  async rest(): Promise<Buffer> {
    while (await this.#more());
    return this.#take(this.#rest.length);
  }

  /** Resolves when the connection is gone on both ends. */
  async closed(): Promise<void> {
    this.socket.resume();
    this.socket.end();
    if (!this.socket.closed) await new Promise((resolve) => this.socket.once('close', resolve));
  }

  close(): void {
    this.socket.destroy();
  }

  async #message(head: RawHead, kind: 'request' | 'reply' | 'none'): Promise<RawMessage> {
    const plain = { ...head, chunks: [], trailers: [] };
    const length = fieldOf(head, 'content-length');
    if (kind === 'none') return { ...plain, body: Buffer.alloc(0), isComplete: true };
    if (fieldOf(head, 'transfer-encoding')?.toLowerCase() === 'chunked') return this.#chunked(head);
    if (length !== undefined) {
      const body = await this.#bytes(Number(length));
      return { ...plain, body, isComplete: body.length === Number(length) };
    }
    if (kind === 'request') return { ...plain, body: Buffer.alloc(0), isComplete: true };
    const body = await this.rest();
    return { ...plain, body, isComplete: !this.#wasReset };
  }

  async #chunked(head: RawHead): Promise<RawMessage> {
    const pieces: Buffer[] = [];
    let trailers: readonly string[] | undefined;
    for (;;) {
      const size = Number.parseInt((await this.#line()) ?? '', 16);
      if (Number.isNaN(size)) break;
      if (size === 0) {
        trailers = await this.#fields();
        break;
      }
      const content = await this.#bytes(size);
      pieces.push(content);
      if (content.length < size || (await this.#line()) !== '') break;
    }
    return {
      ...head,
      body: Buffer.concat(pieces),
      chunks: pieces.map((piece) => piece.length),
      trailers: trailers ?? [],
      isComplete: trailers !== undefined,
    };
  }

  async #fields(): Promise<string[] | undefined> {
    const fields: string[] = [];
    for (;;) {
      const line = await this.#line();
      if (line === undefined) return undefined;
      if (line === '') return fields;
      const colon = line.indexOf(':');
      fields.push(line.slice(0, colon), line.slice(colon + 1).trim());
    }
  }

  async #line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf('\r\n');
      if (end !== -1) {
        const line = this.#take(end).toString('latin1');
        this.#take(2);
        return line;
      }
      if (!(await this.#more())) return undefined;
    }
  }

  /** As many bytes, or fewer where the connection ends before. */
  async #bytes(count: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let missing = count;
    while (missing > 0 && (this.#rest.length > 0 || (await this.#more()))) {
      const piece = this.#take(Math.min(missing, this.#rest.length));
      missing -= piece.length;
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  }

  #take(count: number): Buffer {
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }

  async #more(): Promise<boolean> {
    const { socket } = this;
    for (;;) {
      const data: Buffer | null = socket.read();
      if (data !== null) {
        this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
        return true;
      }
      if (socket.readableEnded || socket.destroyed) return false;
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = () => resolve();
      for (const event of ['readable', 'end', 'close']) socket.on(event, wake);
      await promise;
      for (const event of ['readable', 'end', 'close']) socket.off(event, wake);
    }
  }
}

export interface RawServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Every connection that was ever taken. */
  readonly connections: readonly RawConnection[];
}

/** A server that does with each connection what it is told. */
export async function startRawServer(
  serve: (connection: RawConnection, index: number) => void | Promise<void>,
): Promise<RawServer> {
  const connections: RawConnection[] = [];
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection = new RawConnection(socket);
    connections.push(connection);
    Promise.resolve(serve(connection, connections.length - 1)).catch(() => connection.close());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    connections,
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.close();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A server that answers every request with what it is told; the connection stays open after it. */
export function startReplyServer(
  reply: (request: RawMessage) => string | Uint8Array | undefined,
): Promise<RawServer> {
  return startRawServer(async (connection) => {
    for (let request = await connection.request(); request; request = await connection.request()) {
      const bytes = reply(request);
      if (bytes === undefined) return connection.close();
      await connection.send(bytes);
    }
    connection.close();
  });
}

export interface RequestParts {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: readonly string[];
  /** Sent with its length. */
  readonly body?: string | Uint8Array;
  /** Sent chunked. */
  readonly chunks?: readonly (string | Uint8Array)[];
  readonly trailers?: readonly string[];
}

export function requestBytes({ method = 'GET', target = '/', ...parts }: RequestParts): Buffer {
  const { headers = [], body, chunks, trailers = [] } = parts;
  const fields = ['Host', 'client.test', ...headers];
  if (body !== undefined) fields.push('Content-Length', String(Buffer.from(body).length));
  if (chunks) fields.push('Transfer-Encoding', 'chunked');
  const pieces = [latin1(`${method} ${target} HTTP/1.1\r\n${fieldLines(fields)}\r\n`)];
  if (body !== undefined) pieces.push(Buffer.from(body));
  for (const chunk of chunks ?? []) pieces.push(chunkBytes(chunk));
  if (chunks) pieces.push(latin1(`0\r\n${fieldLines(trailers)}\r\n`));
  return Buffer.concat(pieces);
}

export function chunkBytes(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([latin1(`${bytes.length.toString(16)}\r\n`), bytes, latin1('\r\n')]);
}

/** One request on a connection of its own. */
export async function exchange(url: string, parts: RequestParts): Promise<RawMessage> {
  const connection = await RawConnection.open(url);
  // A server may answer, and close, before it has read everything.
  void connection.send(requestBytes(parts));
  const reply = await connection.reply(parts.method);
  connection.close();
  if (!reply) throw new Error('the connection ended without a reply');
  return reply;
}

export function statusOf(head: RawHead): number {
  return Number(head.startLine.split(' ', 2)[1]);
}

/** The first value of a field; `name` in lower case. */
export function fieldOf({ headers }: RawHead, name: string): string | undefined {
  return fieldsOf(headers, name)[0];
}

export function fieldsOf(headers: readonly string[], name: string): string[] {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === name);
}

/** The fields whose names, in lower case, are not among these. */
export function fieldsWithout(headers: readonly string[], names: ReadonlySet<string>): string[] {
  return headers.filter((_, i) => !names.has((headers[i - (i % 2)] as string).toLowerCase()));
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function fieldLines(fields: readonly string[]): string {
  let lines = '';
  for (let i = 0; i + 1 < fields.length; i += 2) lines += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return lines;
}
