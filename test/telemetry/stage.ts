import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Middleware } from '../../src/middleware/middleware.ts';
import type { Service } from '../../src/service.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { attribute } from '../../src/telemetry/names.ts';
import { type OtlpSink, type ReceivedSpan, type SinkMode, startOtlpSink } from '../support/otlp-sink.ts';
import { startService } from '../support/service.ts';
import type { CapturedLog } from './logs/captured-log.ts';
import { type OpenMetricsPage, parseOpenMetrics } from './open-metrics-text.ts';
import { type Page, parsePage } from './prometheus-text.ts';

interface StageOptions {
  /** Beside `default` and `anthropic`, which are the simulator. */
  readonly upstreams?: Readonly<Record<string, unknown>>;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly otel?: Readonly<Record<string, string>>;
  readonly middleware?: readonly Middleware[];
  /** Takes the log, from the level `info` on. */
  readonly stdout?: CapturedLog;
  /** How the collector is from the start. Default 'ok'. */
  readonly collector?: SinkMode;
}

export interface Answer {
  /** Undefined where no head came. */
  readonly status: number | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  /** It came to its proper end. */
  readonly isClean: boolean;
}

/** The spans of one exchange. */
export interface ExchangeSpans {
  readonly server: ReceivedSpan;
  readonly clients: readonly ReceivedSpan[];
  readonly internals: readonly ReceivedSpan[];
}

/** A model backend, the service before it, and a collector: everything that telemetry tests need. */
export class Stage implements AsyncDisposable {
  readonly simulator: Simulator;
  readonly sink: OtlpSink;
  readonly service: Service;
  #sent = 0;

  constructor(simulator: Simulator, sink: OtlpSink, service: Service) {
    this.simulator = simulator;
    this.sink = sink;
    this.service = service;
  }

  /** One request on a connection of its own, read to its end, whatever that is. */
  async send(path: string, options: http.RequestOptions = {}, body?: string): Promise<Answer> {
    const request = http.request(this.service.dataUrl + path, { agent: false, ...options });
    request.on('error', () => undefined);
    request.end(body);
    const closed = new Promise<void>((resolve) => request.once('close', () => resolve()));
    const response = await Promise.race([
      once(request, 'response').then(([message]) => message as http.IncomingMessage),
      closed,
    ]).catch(() => undefined);
    let text = '';
    try {
      for await (const chunk of response ?? []) text += String(chunk);
    } catch {
      // Broke off: `complete` tells.
    }
    const { statusCode: status, headers = {}, complete = false } = response ?? {};
    return { status, headers, text, isClean: complete };
  }

  /** A JSON query under an id of its own; resolves when its exchange has ended too. */
  async query(
    body: Readonly<Record<string, unknown>>,
    {
      path = '/v1/chat/completions',
      headers = {},
    }: { path?: string; headers?: http.OutgoingHttpHeaders } = {},
  ): Promise<Answer & { id: string }> {
    this.#sent += 1;
    const id = `query-${this.#sent}`;
    const all = { 'content-type': 'application/json', 'x-request-id': id, ...headers };
    const answer = await this.send(path, { method: 'POST', headers: all }, JSON.stringify(body));
    await this.service.inFlight.empty();
    return { ...answer, id };
  }

  /** `query` with a chat of one message. */
  chat(extra: Readonly<Record<string, unknown>> = {}, headers: http.OutgoingHttpHeaders = {}) {
    return this.query(
      { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello!' }], ...extra },
      { headers },
    );
  }

  /** What the upstream gets of a request with these headers, by the name of a field. */
  async forwarded(id: string, headers: http.OutgoingHttpHeaders) {
    const reply = await this.send('/echo/x', { headers: { 'x-request-id': id, ...headers } });
    const { rawHeaders } = JSON.parse(reply.text) as { rawHeaders: string[] };
    const received = (name: string) => rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1] === name);
    return { received, traceresponse: reply.headers.traceresponse };
  }

  /** What the collector got of one exchange. Its SERVER span is exported last. */
  async spansOf(id: string): Promise<ExchangeSpans> {
    const isServer = (span: ReceivedSpan) =>
      span.kind === 'SERVER' && span.attributes[attribute.exchangeId] === id;
    const spans = await this.sink.waitForSpans((all) => all.some(isServer));
    const [server] = spans.filter(isServer);
    if (!server) throw new Error(`no SERVER span of '${id}'`);
    const children = spans.filter(({ parentSpanId }) => parentSpanId === server.spanId);
    return {
      server,
      clients: children.filter(({ kind }) => kind === 'CLIENT'),
      internals: children.filter(({ kind }) => kind === 'INTERNAL'),
    };
  }

  async admin(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.service.adminUrl + path, { headers });
  }

  async json<Body>(path: string, headers: Record<string, string> = {}) {
    const reply = await this.admin(path, headers);
    return { status: reply.status, headers: reply.headers, body: (await reply.json()) as Body };
  }

  async page(): Promise<Page> {
    return parsePage(await (await this.admin('/metrics')).text());
  }

  /** The same with exemplars: of what has been measured since the first such page. */
  async openMetrics(): Promise<OpenMetricsPage> {
    const reply = await this.admin('/metrics', { accept: 'application/openmetrics-text; version=1.0.0' });
    return parseOpenMetrics(await reply.text());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.stop();
    await this.simulator.close();
    await this.sink.close();
  }
}

export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const { upstreams, config, otel, middleware = [], stdout, collector = 'ok' } = options;
  const simulator = await startSimulator({
    timeToFirstTokenMs: 0,
    tokensPerSecond: Number.POSITIVE_INFINITY,
  });
  const sink = await startOtlpSink({ mode: collector });
  try {
    const service = await startService({
      config: {
        upstreams: { default: simulator.url, anthropic: simulator.url, ...upstreams },
        ...(stdout && { log: { level: 'info' } }),
        ...config,
      },
      otel: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_BSP_SCHEDULE_DELAY: '20', ...otel },
      middleware,
      ...(stdout && { stdout }),
    });
    return new Stage(simulator, sink, service);
  } catch (thrown) {
    await Promise.all([simulator.close(), sink.close()]);
    throw thrown;
  }
}

/** The only one of a list. */
export function only<Item>(list: readonly Item[]): Item {
  const [first] = list;
  assert.ok(first !== undefined && list.length === 1, `one, not ${list.length}`);
  return first;
}

/** Asks again and again, where there is no event to wait for. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within 30 s: ${what}`);
    // What is waited for needs the time more than the question does.
    await delay(2);
  }
}
