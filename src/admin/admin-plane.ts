import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { Alerts } from '../alerts/alerts.ts';
import { pageRoutes } from '../console/page-routes.ts';
import { genericProblemBody } from '../dialects/index.ts';
import { asSightlineError, SightlineError } from '../errors.ts';
import { requestId } from '../exchange/request-id.ts';
import type { InFlight } from '../flow/in-flight.ts';
import type { Limits } from '../limits.ts';
import type { Plugins } from '../plugins/plugins.ts';
import type { MetricsCollector } from '../snapshots/metrics-collector.ts';
import { formatFor } from '../telemetry/page/negotiation.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Probes } from '../upstreams/probe.ts';
import { refuseOtherOrigins, requireKnownHost, requireToken } from './access.ts';
import { describeAlerts } from './describe-alerts.ts';
import { describeExchange } from './describe-exchange.ts';
import { describePlugins } from './describe-plugins.ts';
import { EventStreams } from './event-stream.ts';
import { figuresAsJson } from './figures-as-json.ts';
import { snapshotRoutes } from './snapshot-routes.ts';

export type Readiness = 'starting' | 'ready' | 'stopping';

export interface AdminPlaneOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
  readonly telemetry: Telemetry;
  readonly inFlight: InFlight;
  readonly probes: Probes;
  readonly plugins: Plugins;
  readonly collector: MetricsCollector;
  readonly alerts: Alerts;
  readonly limits: Limits;
  readonly readiness: () => Readiness;
}

/** What the admin plane serves, for its own index and the README. GET where no method is given. */
export const adminRoutes = {
  '/healthz': 'The process is alive.',
  '/readyz':
    'It takes traffic: upstreams as probed, state of telemetry. 503 while it starts, stops, or no upstream answers.',
  '/metrics':
    'Metrics for Prometheus to scrape: as OpenMetrics, with exemplars, where `accept` asks for it, else in the classic text format.',
  '/api/metrics/snapshots':
    "The service's own figures, from one look to the next, oldest first; `?since=` a time, as ms since the epoch or ISO 8601.",
  '/api/metrics/snapshots/stream':
    'The new ones as they come, as server-sent events; `Last-Event-ID` or `?since=`: those after it first.',
  '/api/alerts':
    'Each threshold with its state (`inactive`, `pending`, `firing`, `resolved`), figure and limit; those that fire first.',
  '/api/exchanges': 'Exchanges in flight: requests, WebSocket sessions and their turns.',
  '/api/traces': 'The newest traces, newest first, also those that still run; `?limit=`.',
  '/api/traces/:id': 'One trace with all its spans.',
  '/api/plugins':
    'Plugins with state, version, what they registered, breakers, and why a version was rejected.',
  'POST /api/plugins/reload': 'Looks at the plugin folder now and loads what has changed.',
  'POST /api/plugins/:name/reload': 'Builds and initializes this plugin anew, also where it was unloaded.',
  'POST /api/plugins/:name/unload': 'Unloads this plugin; 409 where others need it.',
} as const;

/** A page becomes a twentieth of its size also with the least work. */
const fast = { level: 1 };

/** The plane for operators: health, metrics, traces, exchanges in flight, plugins. */
export class AdminPlane {
  readonly #options: AdminPlaneOptions;
  readonly #server: Server;
  readonly #streams: EventStreams;

  constructor(options: AdminPlaneOptions) {
    this.#options = options;
    this.#streams = new EventStreams(options.limits);
    this.#server = createServer(this.#routes());
  }

  /** Resolves with the address when connections are taken. */
  async listen(): Promise<AddressInfo> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    return this.#server.address() as AddressInfo;
  }

  /** Idempotent, safe before `listen`. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#streams.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #routes(): Express {
    const { telemetry, inFlight, token, host } = this.#options;
    const app = express();
    app.disable('x-powered-by');
    app.disable('etag');
    app.set('json replacer', figuresAsJson);
    app.use((_request, response, next) => {
      response.set({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
      next();
    });
    app.get('/healthz', (_request, response) => {
      response.json({ status: 'ok' });
    });
    app.get('/readyz', this.#readyz());
    app.use(requireKnownHost(host), requireToken(token), refuseOtherOrigins);
    app.use(pageRoutes());
    app.get('/', (_request, response) => {
      response.json({ service: 'sightline', routes: adminRoutes });
    });
    app.get('/metrics', this.#metrics());
    app.use(snapshotRoutes(this.#options.collector, this.#streams));
    app.get('/api/alerts', (_request, response) => {
      response.json(describeAlerts(this.#options.alerts));
    });
    app.get('/api/exchanges', (_request, response) => {
      response.json({ exchanges: inFlight.exchanges().map(describeExchange) });
    });
    app.get('/api/traces', (request, response) => {
      response.json({ traces: telemetry.traces.list(countOf(request.query.limit)) });
    });
    app.get('/api/traces/:id', (request, response) => {
      const found = telemetry.traces.get(request.params.id);
      if (!found)
        throw new SightlineError('resource_unknown', { message: 'No trace with this id is kept here.' });
      response.json({ traceId: request.params.id, ...found });
    });
    this.#pluginRoutes(app);
    app.use(() => {
      throw new SightlineError('resource_unknown');
    });
    app.use(answerError);
    return app;
  }

  #metrics(): RequestHandler {
    const { page } = this.#options.telemetry;
    return async (request, response) => {
      const format = formatFor(request);
      const pieces = await page.pieces(format);
      response.vary('accept, accept-encoding').set('content-type', format.contentType);
      const isZipped = request.acceptsEncodings('gzip') !== false;
      if (isZipped) response.set('content-encoding', 'gzip');
      // Whoever asked may have gone, and what has begun cannot become an error.
      const sent = isZipped ? pipeline(pieces, createGzip(fast), response) : pipeline(pieces, response);
      await sent.catch(() => undefined);
    };
  }

  #pluginRoutes(app: Express): void {
    const { plugins } = this.#options;
    app.get('/api/plugins', (_request, response) => {
      response.json(describePlugins(plugins));
    });
    app.post('/api/plugins/reload', async (_request, response) => {
      await plugins.scan();
      response.json(describePlugins(plugins));
    });
    app.post('/api/plugins/:name/reload', async (request, response) => {
      await plugins.reload(request.params.name);
      response.json(describePlugins(plugins));
    });
    app.post('/api/plugins/:name/unload', async (request, response) => {
      await plugins.unload(request.params.name);
      response.json(describePlugins(plugins));
    });
  }

  #readyz(): RequestHandler {
    return async (_request, response) => {
      const { telemetry, probes, readiness } = this.#options;
      const upstreams = await probes.results();
      const state = readiness();
      const isServed = upstreams.some((upstream) => upstream.state !== 'down');
      const status = state === 'ready' && !isServed ? 'no upstream answers' : state;
      response
        .status(status === 'ready' ? 200 : 503)
        .json({ status, upstreams, telemetry: telemetry.state() });
    };
  }
}

function countOf(value: unknown): number {
  if (value === undefined) return Number.POSITIVE_INFINITY;
  if (typeof value === 'string' && /^0*[1-9]\d*$/.test(value)) return Number(value);
  throw new SightlineError('malformed_request', { message: "'limit' must be a whole number above 0." });
}

/** What Express throws at a path with a `%` that stands for nothing. */
function undecodable(cause: URIError): SightlineError {
  return new SightlineError('malformed_request', { message: 'The path cannot be decoded.', cause });
}

/** Express knows an error handler by its four parameters. */
const answerError: ErrorRequestHandler = (thrown, _request, response, _next) => {
  const error = asSightlineError(thrown instanceof URIError ? undecodable(thrown) : thrown);
  const { id } = requestId(undefined);
  response.status(error.status).json(
    genericProblemBody({
      code: error.code,
      message: error.message,
      status: error.status,
      requestId: id,
      traceId: undefined,
    }),
  );
};
