import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { decodeOtlp, type Received, type ReceivedSpan, type Signal } from './otlp-decoder.ts';

export type { Attributes, Point, ReceivedLog, ReceivedMetric, ReceivedSpan } from './otlp-decoder.ts';

/** `refuse` answers 503, `hang` never, `slow` after a while. Only `ok` and `slow` take what they are sent. */
export type SinkMode = 'ok' | 'refuse' | 'hang' | 'slow';

export interface OtlpRequest {
  readonly signal: Signal;
  readonly contentType: string;
  readonly contentEncoding: string | undefined;
  readonly headers: IncomingMessage['headers'];
  /** As they came over the wire. */
  readonly bytes: number;
  /** How it was answered. */
  readonly mode: SinkMode;
}

interface Options {
  /** For a collector that comes back; a free port otherwise. */
  port?: number;
  mode?: SinkMode;
  slowMs?: number;
}

/** A collector for tests: takes OTLP over HTTP, and shows what it was sent in plain form. */
export class OtlpSink implements AsyncDisposable {
  mode: SinkMode;
  /** Every export that arrived, also those that were refused. */
  readonly requests: OtlpRequest[] = [];
  readonly #slowMs: number;
  readonly #server = createServer((request, response) => {
    this.#receive(request, response).catch((error: unknown) => {
      this.#failures.push(error);
      this.#wake();
      response.writeHead(400).end();
    });
  });
  readonly #failures: unknown[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #received: Received = { spans: [], metrics: [], logs: [] };

  constructor({ mode = 'ok', slowMs = 1_000 }: Options = {}) {
    this.mode = mode;
    this.#slowMs = slowMs;
  }

  async listen(port = 0): Promise<this> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** These three throw where an export could not be decoded: that is never what a test wants. */
  spans(): ReceivedSpan[] {
    return this.#checked().spans;
  }

  metrics(): Received['metrics'] {
    return this.#checked().metrics;
  }

  logs(): Received['logs'] {
    return this.#checked().logs;
  }

  /** The spans, as soon as there are so many, or as they satisfy the predicate. */
  waitForSpans(
    wanted: number | ((spans: ReceivedSpan[]) => boolean),
    options: { timeoutMs?: number } = {},
  ): Promise<ReceivedSpan[]> {
    const enough = typeof wanted === 'number' ? (spans: ReceivedSpan[]) => spans.length >= wanted : wanted;
    return this.waitFor(({ spans }) => (enough(spans) ? spans : undefined), options);
  }

  /** What `find` finds among everything received, as soon as it finds something. */
  waitFor<Found>(
    find: (received: Received) => Found | undefined,
    { timeoutMs = 30_000 }: { timeoutMs?: number } = {},
  ): Promise<Found> {
    const { promise, resolve, reject } = Promise.withResolvers<Found>();
    const look = () => {
      try {
        const found = find(this.#checked());
        if (found !== undefined) resolve(found);
      } catch (error) {
        reject(error);
      }
    };
    const timer = setTimeout(() => reject(new Error(this.#missing(timeoutMs))), timeoutMs);
    this.#waiting.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(look);
    });
  }

  clear(): void {
    this.#received = { spans: [], metrics: [], logs: [] };
    this.#failures.length = 0;
    this.requests.length = 0;
  }

  /** Answers nobody any more. May be called twice. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const mode = this.mode;
    const signal = /^\/v1\/(traces|metrics|logs)$/.exec(request.url ?? '')?.[1] as Signal | undefined;
    const body = await buffer(request).catch(() => undefined);
    // Its sender was stopped half-way, which some tests do.
    if (body === undefined) return;
    if (!signal || request.method !== 'POST') throw new Error(`${request.method} ${request.url} is not OTLP`);
    const { 'content-type': contentType = '', 'content-encoding': contentEncoding } = request.headers;
    const { headers } = request;
    this.requests.push({ signal, contentType, contentEncoding, headers, bytes: body.length, mode });
    if (mode === 'hang') return;
    if (mode === 'refuse') {
      response.writeHead(503).end();
      return;
    }
    const received = decodeOtlp(signal, contentType, contentEncoding === 'gzip' ? gunzipSync(body) : body);
    if (mode === 'slow') await this.#delay();
    this.#received.spans.push(...received.spans);
    this.#received.metrics.push(...received.metrics);
    this.#received.logs.push(...received.logs);
    // An empty message means full success, in either encoding.
    response.writeHead(200, { 'content-type': contentType }).end(contentType.includes('json') ? '{}' : '');
    this.#wake();
  }

  #wake(): void {
    for (const look of this.#waiting) look();
  }

  #delay(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#slowMs);
      this.#timers.add(timer);
    });
  }

  #checked(): Received {
    if (this.#failures.length > 0) {
      throw new AggregateError(this.#failures, `an export is not right: ${String(this.#failures[0])}`);
    }
    return this.#received;
  }

  #missing(timeoutMs: number): string {
    const { spans, metrics, logs } = this.#received;
    const names = spans.map(({ kind, name }) => `${kind} ${name}`).join(', ');
    const rest = `${metrics.length} metrics, ${logs.length} logs, in ${this.requests.length} requests`;
    return `not received within ${timeoutMs} ms; what came: ${spans.length} spans (${names}), ${rest}`;
  }
}

export function startOtlpSink({ port, ...options }: Options = {}): Promise<OtlpSink> {
  return new OtlpSink(options).listen(port);
}
