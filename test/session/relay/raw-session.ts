import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  fieldOf,
  RawConnection,
  type RawHead,
  type RawServer,
  requestBytes,
  startRawServer,
} from '../../support/raw-http.ts';
import { type FrameParts, frameBytes } from '../../wire/websocket/frames.ts';

/** An upstream that accepts every WebSocket handshake, and leaves the rest to the test. */
export interface RawUpstream extends AsyncDisposable {
  readonly url: string;
  readonly server: RawServer;
  /** The next session, from its beginning. */
  next(): Promise<RawPeer>;
}

export interface RawUpstreamOptions {
  /** Header fields of the 101. */
  readonly headers?: readonly string[];
  /** Behind the 101, in the same packet. */
  readonly head?: Buffer;
  /** The handshake is answered when this has settled. */
  readonly before?: Promise<unknown>;
}

export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

export async function startRawUpstream(options: RawUpstreamOptions = {}): Promise<RawUpstream> {
  const { headers = [], head = Buffer.alloc(0), before } = options;
  const waiting: ((peer: RawPeer) => void)[] = [];
  const ready: RawPeer[] = [];
  const server = await startRawServer(async (connection) => {
    const request = await connection.head();
    if (!request) return;
    await before;
    await connection.send(Buffer.concat([switching(request, headers), head]));
    const peer = new RawPeer(connection, request, false);
    const taker = waiting.shift();
    if (taker) taker(peer);
    else ready.push(peer);
  });
  return {
    url: server.url,
    server,
    next: () => {
      const peer = ready.shift();
      return peer ? Promise.resolve(peer) : new Promise((resolve) => waiting.push(resolve));
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function switching(request: RawHead, headers: readonly string[]): Buffer {
  const accept = acceptOf(fieldOf(request, 'sec-websocket-key') ?? '');
  const fields = [
    'Upgrade',
    'websocket',
    'Connection',
    'Upgrade',
    'Sec-WebSocket-Accept',
    accept,
    ...headers,
  ];
  let text = 'HTTP/1.1 101 Switching Protocols\r\n';
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return Buffer.from(`${text}\r\n`, 'latin1');
}

export interface RawClientOptions {
  readonly target?: string;
  readonly headers?: readonly string[];
  /** Behind the request, in the same packet. */
  readonly head?: Buffer;
}

/** The handshake as most clients send it. */
export function upgradeBytes({
  target = '/x',
  headers = [],
  head = Buffer.alloc(0),
}: RawClientOptions = {}): Buffer {
  const fields = ['Connection', 'Upgrade', 'Upgrade', 'websocket', ...headers];
  const has = (name: string) => fields.some((field, i) => i % 2 === 0 && field.toLowerCase() === name);
  if (!has('sec-websocket-version')) fields.push('Sec-WebSocket-Version', '13');
  if (!has('sec-websocket-key')) fields.push('Sec-WebSocket-Key', randomBytes(16).toString('base64'));
  return Buffer.concat([requestBytes({ target, headers: fields }), head]);
}

/** A client whose handshake was answered with a 101. */
export async function openRawClient(url: string, options: RawClientOptions = {}): Promise<RawPeer> {
  const connection = await RawConnection.open(url);
  await connection.send(upgradeBytes(options));
  const reply = await connection.head();
  if (!reply?.startLine.startsWith('HTTP/1.1 101 ')) {
    connection.close();
    throw new Error(`no 101: ${reply?.startLine}`);
  }
  return new RawPeer(connection, reply, true);
}

/** One frame as it was on the wire, and what it says. */
export interface SeenFrame {
  readonly raw: Buffer;
  readonly opcode: number;
  readonly fin: boolean;
  readonly payload: Buffer;
}

/** One end of a WebSocket over a plain socket. */
export class RawPeer {
  readonly connection: RawConnection;
  /** The request's head at an upstream, the reply's at a client. */
  readonly head: RawHead;
  readonly #isClient: boolean;
  #rest: Buffer = Buffer.alloc(0);

  constructor(connection: RawConnection, head: RawHead, isClient: boolean) {
    this.connection = connection;
    this.head = head;
    this.#isClient = isClient;
  }

  get socket(): Socket {
    return this.connection.socket;
  }

  /** The bytes of a frame; masked as it has to be from here. */
  bytes(parts: FrameParts): Buffer {
    return frameBytes({ mask: this.#isClient ? randomBytes(4) : undefined, ...parts });
  }

  async send(...frames: (FrameParts | Buffer)[]): Promise<void> {
    const bytes = frames.map((one) => (Buffer.isBuffer(one) ? one : this.bytes(one)));
    await this.connection.send(Buffer.concat(bytes));
  }

  text(text: string): Promise<void> {
    return this.send({ opcode: 1, payload: Buffer.from(text) });
  }

  close(code?: number, reason = ''): Promise<void> {
    return this.send({ opcode: 8, payload: closeBytes(code, reason) });
  }

  /** So many bytes exactly; fewer where the connection ends before. */
  async take(count: number): Promise<Buffer> {
    const pieces = [this.#rest];
    let length = this.#rest.length;
    while (length < count) {
      const piece = await this.connection.some();
      if (!piece) break;
      pieces.push(piece);
      length += piece.length;
    }
    const all = Buffer.concat(pieces);
    this.#rest = all.subarray(count);
    return all.subarray(0, count);
  }

  /** The next frame; undefined where the connection ends. */
  async frame(): Promise<SeenFrame | undefined> {
    const start = await this.take(2);
    if (start.length < 2) return undefined;
    const code = (start[1] as number) & 0x7f;
    const isMasked = ((start[1] as number) & 0x80) !== 0;
    const more = await this.take((code === 126 ? 2 : code === 127 ? 8 : 0) + (isMasked ? 4 : 0));
    const length =
      code === 126 ? more.readUInt16BE(0) : code === 127 ? Number(more.readBigUInt64BE(0)) : code;
    const raw = await this.take(length);
    const payload = Buffer.from(raw);
    const mask = more.subarray(-4);
    if (isMasked)
      for (let i = 0; i < length; i += 1) payload[i] = (payload[i] as number) ^ (mask[i & 3] as number);
    const first = start[0] as number;
    return { raw: Buffer.concat([start, more, raw]), opcode: first & 0x0f, fin: first > 127, payload };
  }

  /** The next frame, which has to be a text. */
  async nextText(): Promise<string> {
    const frame = await this.frame();
    if (frame?.opcode !== 1) throw new Error(`no text: ${frame?.opcode}`);
    return frame.payload.toString();
  }

  /** The next frame, which has to be a close frame: its code and reason. */
  async nextClose(): Promise<readonly [code: number | undefined, reason: string]> {
    const frame = await this.frame();
    if (frame?.opcode !== 8) throw new Error(`no close frame: ${frame?.opcode}`);
    const { payload } = frame;
    return payload.length === 0 ? [undefined, ''] : [payload.readUInt16BE(0), payload.toString('utf8', 2)];
  }

  /** Whatever comes until the connection ends. */
  async rest(): Promise<Buffer> {
    const rest = Buffer.concat([this.#rest, await this.connection.rest()]);
    this.#rest = Buffer.alloc(0);
    return rest;
  }

  /** Ends the connection without a word. */
  vanish(): void {
    this.socket.destroy();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }
}

function closeBytes(code?: number, reason = ''): Buffer {
  if (code === undefined) return Buffer.alloc(0);
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return payload;
}
