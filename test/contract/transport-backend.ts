import type { SightlineError } from '../../src/errors.ts';
import type { ConnectTry } from '../../src/exchange/attempt.ts';
import type { ReplyReceiver } from '../../src/transports/transport.ts';
import type { RawHeaders } from '../../src/wire/headers.ts';

/** One request as it reached the other end of a transport, and the means to answer it in any way. */
export interface Arrival {
  readonly method: string;
  readonly target: string;
  readonly headers: RawHeaders;
  readonly body: Buffer;
  readonly trailers: RawHeaders;
  /** What frames the body on this wire comes behind these headers, where they do not say it themselves. */
  head(status: number, statusMessage: string, headers: RawHeaders): Promise<void>;
  /** Resolves when there is room for more, or nobody to take it. */
  piece(bytes: string | Uint8Array): Promise<void>;
  end(trailers?: RawHeaders): Promise<void>;
  /** Something that is no reply. */
  garbage(): Promise<void>;
  /** Its connection ends here. */
  breakOff(how: 'close' | 'reset'): void;
  /** Resolves when the transport has let it be known that nobody wants the reply any more. */
  unwanted(): Promise<void>;
  /** Resolves when its connection is gone on both ends. */
  disconnected(): Promise<void>;
}

export type Serve = (arrival: Arrival) => void | Promise<void>;

/** The other end of a transport. */
export interface Backend extends AsyncDisposable {
  /** For the transport. */
  readonly url: URL;
  /** Connections that were ever taken. */
  readonly connectionsTaken: number;
}

const ok = ['Content-Length', '2'] as const;

export async function reply(
  arrival: Arrival,
  headers: RawHeaders,
  body: string | Uint8Array,
  status = 200,
  statusMessage = 'OK',
): Promise<void> {
  await arrival.head(status, statusMessage, headers);
  if (body.length > 0) await arrival.piece(body);
  await arrival.end();
}

/** Answers each request with the same two bytes. */
export const answering: Serve = (arrival) => reply(arrival, ok, 'ok');

/** Sends five bytes of twenty, or nothing at all; what comes then is for the test, which is told. */
export function beginning(what: 'nothing' | 'head and piece'): { serve: Serve; begun: Promise<Arrival> } {
  const { promise, resolve } = Promise.withResolvers<Arrival>();
  return {
    begun: promise,
    serve: async (arrival) => {
      if (what === 'head and piece') {
        await arrival.head(200, 'OK', ['Content-Length', '20']);
        await arrival.piece('begun');
      }
      resolve(arrival);
    },
  };
}

/** What one request brought, call by call. */
export class Receipt implements ReplyReceiver {
  readonly calls: string[] = [];
  status = 0;
  statusMessage = '';
  headers: RawHeaders = [];
  readonly pieces: Buffer[] = [];
  trailers: RawHeaders = [];
  error: SightlineError | undefined;
  readonly tries: ConnectTry[] = [];
  readonly #head = Promise.withResolvers<void>();
  readonly #end = Promise.withResolvers<void>();
  readonly #data: (() => void)[] = [];

  /** Resolves with the head. */
  get head(): Promise<void> {
    return this.#head.promise;
  }

  /** Resolves with the end, by an error or not. */
  get end(): Promise<void> {
    return this.#end.promise;
  }

  get body(): string {
    return Buffer.concat(this.pieces).toString('latin1');
  }

  /** Resolves with the next piece. */
  nextData(): Promise<void> {
    return new Promise((resolve) => this.#data.push(resolve));
  }

  /** Called within each `onData`. */
  withinData: () => void = () => undefined;

  onHead(status: number, statusMessage: string, headers: RawHeaders): void {
    this.calls.push('head');
    Object.assign(this, { status, statusMessage, headers });
    this.#head.resolve();
  }

  onData(chunk: Buffer): void {
    this.calls.push('data');
    // The transport may use the memory again.
    this.pieces.push(Buffer.from(chunk));
    this.withinData();
    this.#data.shift()?.();
  }

  onEnd(trailers: RawHeaders): void {
    this.calls.push('end');
    this.trailers = trailers;
    this.#end.resolve();
  }

  onError(error: SightlineError): void {
    this.calls.push('error');
    this.error = error;
    this.#end.resolve();
  }

  onConnectTry(connectTry: ConnectTry): void {
    this.tries.push(connectTry);
  }
}
