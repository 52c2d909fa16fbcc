import type { ServerResponse } from 'node:http';
import type { RawHeaders } from '../exchange/headers.ts';
import type { ReplySink } from '../flow/reply-sink.ts';

/** The client's side of an HTTP exchange: Node's response, with its back pressure and its end. */
export class HttpSink implements ReplySink {
  readonly #response: ServerResponse;
  readonly #stallTimeoutMs: number;
  #stall: NodeJS.Timeout | undefined;
  #isFramed = true;
  #hasWritten = false;
  onDrain: () => void = () => undefined;
  onStall: () => void = () => undefined;
  onClose: (isSent: boolean) => void = () => undefined;

  constructor(response: ServerResponse, stallTimeoutMs: number) {
    this.#response = response;
    this.#stallTimeoutMs = stallTimeoutMs;
    response.on('drain', () => {
      this.#stopWaiting();
      this.onDrain();
    });
    response.on('close', () => {
      this.#stopWaiting();
      this.onClose(response.writableFinished);
    });
    // The error of a socket that died under a write; 'close' follows and tells the rest.
    response.on('error', () => undefined);
  }

  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  head(status: number, statusMessage: string | undefined, headers: RawHeaders): void {
    const response = this.#response;
    // The upstream's own date passes through; where it sent none, this hop adds none.
    response.sendDate = false;
    // Node's types know header lists only as unknown arrays.
    const list = headers as string[];
    if (statusMessage === undefined) response.writeHead(status, list);
    else response.writeHead(status, statusMessage, list);
    this.#isFramed =
      response.chunkedEncoding || list.some((name, i) => i % 2 === 0 && /^content-length$/i.test(name));
    // A stream's head is worth having before its first event; where the body came with it, one write will do.
    queueMicrotask(() => {
      if (!this.#hasWritten) response.flushHeaders();
    });
  }

  write(chunk: Buffer): boolean {
    this.#hasWritten = true;
    const hasRoom = this.#response.write(chunk);
    if (!hasRoom) this.#waitForClient();
    return hasRoom;
  }

  end(trailers: RawHeaders): void {
    this.#hasWritten = true;
    if (trailers.length > 0 && this.#response.chunkedEncoding) {
      const pairs: [string, string][] = [];
      for (let i = 0; i + 1 < trailers.length; i += 2)
        pairs.push([trailers[i] as string, trailers[i + 1] as string]);
      this.#response.addTrailers(pairs);
    }
    this.#response.end();
    if (this.#response.writableLength > 0) this.#waitForClient();
  }

  break(): void {
    const { socket } = this.#response;
    if (!socket) return;
    // Without framing (HTTP/1.0) only a reset tells a broken reply from a complete one.
    if (!this.#isFramed) socket.resetAndDestroy();
    else socket.destroySoon();
    this.#waitForClient(() => socket.destroy());
  }

  #waitForClient(onStall: () => void = () => this.onStall()): void {
    if (this.#stall || this.#response.closed) return;
    this.#stall = setTimeout(onStall, this.#stallTimeoutMs).unref();
  }

  #stopWaiting(): void {
    clearTimeout(this.#stall);
    this.#stall = undefined;
  }
}
