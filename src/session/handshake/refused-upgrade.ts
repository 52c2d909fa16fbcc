import type { IncomingMessage } from 'node:http';
import { SightlineError } from '../../errors.ts';
import type { ReplySink } from '../../flow/reply-sink.ts';
import { headerValue, type RawHeaders } from '../../wire/headers.ts';

export interface RefusalWatcher {
  onData(chunk: Buffer): void;
  /** The whole reply is on its way to the client. */
  onEnd(): void;
  onError(error: SightlineError): void;
}

/** The body of an upstream's reply to a handshake, streamed to the client as it comes. */
export class RefusedUpgrade {
  readonly #body: IncomingMessage;
  readonly #timer: NodeJS.Timeout;

  /** @param idleTimeoutMs Between two pieces of the body. */
  constructor(body: IncomingMessage, sink: ReplySink, idleTimeoutMs: number, watcher: RefusalWatcher) {
    this.#body = body;
    this.#timer = setTimeout(() => {
      // A client that does not take what has come is watched by its own side.
      if (body.isPaused()) this.#timer.refresh();
      else watcher.onError(new SightlineError('upstream_timeout'));
    }, idleTimeoutMs);
    body.on('data', (chunk: Buffer) => {
      this.#timer.refresh();
      if (!sink.write(chunk)) body.pause();
      watcher.onData(chunk);
    });
    body.on('end', () => {
      clearTimeout(this.#timer);
      sink.end(body.rawTrailers);
      watcher.onEnd();
    });
    body.on('error', (cause) => {
      clearTimeout(this.#timer);
      watcher.onError(new SightlineError('upstream_truncated', { cause }));
    });
  }

  resume(): void {
    this.#body.resume();
  }

  abort(): void {
    clearTimeout(this.#timer);
    this.#body.destroy();
  }
}

/** A 426 names the protocol to switch to (RFC 9110 §15.5.22), which else concerns one connection alone. */
export function upgradeHeader(status: number, headers: RawHeaders): string[] {
  const protocol = status === 426 ? headerValue(headers, 'upgrade') : undefined;
  return protocol === undefined ? [] : ['upgrade', protocol, 'connection', 'upgrade, close'];
}
