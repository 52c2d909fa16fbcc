import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express } from 'express';
import type { Alerts } from '../alerts/alerts.ts';
import { pageRoutes } from '../console/page-routes.ts';
import { SightlineError } from '../errors.ts';
import { withDeadline } from '../exchange/deadline.ts';
import type { InFlight } from '../flow/in-flight.ts';
import type { Limits } from '../limits.ts';
import type { Logger } from '../log.ts';
import type { Plugins } from '../plugins/plugins.ts';
import type { MetricsCollector } from '../snapshots/metrics-collector.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Probes } from '../upstreams/probe.ts';
import { isFromSession, refuseOtherOrigins, requireAccess, requireKnownHost } from './access.ts';
import { answerError } from './answer-error.ts';
import { consoleEventRoutes } from './console-events.ts';
import { consoleInfo, type ServiceFacts } from './console-info.ts';
import { Credentials } from './credentials.ts';
import { describeAlerts } from './describe-alerts.ts';
import { EventStreams } from './event-stream.ts';
import { exchangeRoutes } from './exchange-routes.ts';
import { figuresAsJson } from './figures-as-json.ts';
import { healthRoutes, type Readiness } from './health-routes.ts';
import { metricsRoutes } from './metrics-routes.ts';
import { pipelineRoutes } from './pipeline-routes.ts';
import { pluginRoutes } from './plugin-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { snapshotRoutes } from './snapshot-routes.ts';
import { traceRoutes } from './trace-routes.ts';
import { Tries } from './try-route.ts';

export type { Readiness } from './health-routes.ts';

export interface AdminPlaneOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
  readonly jaegerUrl: URL | undefined;
  readonly service: ServiceFacts;
  readonly telemetry: Telemetry;
  readonly inFlight: InFlight;
  readonly probes: Probes;
  readonly plugins: Plugins;
  readonly collector: MetricsCollector;
  readonly alerts: Alerts;
  readonly limits: Limits;
  /** Of the data plane; undefined while it takes no connections. */
  readonly dataAddress: () => AddressInfo | undefined;
  readonly log: Logger;
  readonly readiness: () => Readiness;
}

/** What the admin plane serves, for its own index and the README. GET where no method is given. */
export const adminRoutes = {
  '/': 'For a browser, the console; for others, this list.',
  '/healthz': 'The process is alive.',
  '/readyz':
    'It takes traffic: upstreams as probed, state of telemetry. 503 while it starts, stops, or no upstream answers.',
  '/api/console':
    'What the console has to know of the service: version, addresses, upstreams, what is turned on.',
  '/api/events':
    'What the console shows, as it happens, as server-sent events: `snapshot`, `alerts`, `exchanges`, `plugins`; `Last-Event-ID` or `?since=`: the snapshots after it first.',
  '/metrics':
    'Metrics for Prometheus to scrape: as OpenMetrics, with exemplars, where `accept` asks for it, else in the classic text format.',
  '/api/metrics/snapshots':
    "The service's own figures, from one look to the next, oldest first; `?since=` a time, as ms since the epoch or ISO 8601.",
  '/api/metrics/snapshots/stream':
    'The new ones as they come, as server-sent events; `Last-Event-ID` or `?since=`: those after it first.',
  '/api/alerts':
    'Each threshold with its state (`inactive`, `pending`, `firing`, `resolved`), figure and limit; those that fire first.',
  '/api/exchanges':
    'Requests, WebSocket sessions and their turns: those in flight and those that ended last, newest first; `?state=`, `?limit=`, `?before=`, `?after=`, `?from=`, `?to=`, `?id=`, `?text=`, `?outcome=`, `?model=`, `?upstream=`, `?tenant=`, `?minDurationMs=`.',
  '/api/exchanges/values':
    'What there is to filter them by, with the exchanges and tokens of each; the most frequent first.',
  '/api/traces': 'The newest traces, newest first, also those that still run; `?limit=`.',
  '/api/traces/:id': 'One trace with its spans and exchanges, also while it runs.',
  '/api/pipeline':
    'What an exchange runs through that begins now, in order: middleware by phase and hooks by point, with what each has cost.',
  '/api/plugins':
    'Plugins with state, version, what they registered, breakers, and why a version was rejected.',
  'POST /api/session':
    'The console\'s login: `{ "token": … }` for a cookie that stands for it, for so long as `limits.consoleSessionMs`.',
  'DELETE /api/session': 'Ends it.',
  'POST /api/plugins/reload': 'Looks at the plugin folder now and loads what has changed.',
  'POST /api/plugins/:name/reload': 'Builds and initializes this plugin anew, also where it was unloaded.',
  'POST /api/plugins/:name/unload': 'Unloads this plugin; 409 where others need it.',
  'POST /api/try':
    "Sends the body to the data plane as a client would, to `?path=`, and answers with its reply as it comes. `x-upstream-authorization` and `x-upstream-api-key` become the query's `authorization` and `x-api-key`.",
} as const;

/** Unless a route says otherwise: answers are for whoever asked, at this moment, and never pages. */
const headers = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** The plane for operators: health, metrics, traces, exchanges in flight, plugins. */
export class AdminPlane {
  readonly #options: AdminPlaneOptions;
  readonly #server: Server;
  readonly #streams: EventStreams;
  readonly #tries: Tries;

  constructor(options: AdminPlaneOptions) {
    this.#options = options;
    this.#streams = new EventStreams(options.limits);
    this.#tries = new Tries(options);
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
    // The data plane has closed before; of a slow reader the last words are not waited for.
    await withDeadline(this.#tries.ended(), this.#options.limits.lingerTimeoutMs).catch(() => undefined);
    this.#server.closeAllConnections();
    await closed;
  }

  #routes(): Express {
    const { telemetry, inFlight, limits, token, host } = this.#options;
    const credentials = token === undefined ? undefined : new Credentials(token, limits);
    const app = express();
    app.disable('x-powered-by');
    app.disable('etag');
    app.set('json replacer', figuresAsJson);
    app.use((_request, response, next) => {
      response.set(headers);
      next();
    });
    app.use(healthRoutes(this.#options));
    app.use(requireKnownHost(host));
    app.use(pageRoutes(this.#options), sessionRoutes(credentials, limits));
    app.use(requireAccess(credentials), refuseOtherOrigins);
    app.get('/', (_request, response) => {
      response.json({ service: 'sightline', routes: adminRoutes });
    });
    app.get('/api/console', (request, response) => {
      response.json(consoleInfo(this.#options, isFromSession(request)));
    });
    app.use(consoleEventRoutes(this.#options, this.#streams));
    app.use(metricsRoutes(telemetry));
    app.use(snapshotRoutes(this.#options.collector, this.#streams));
    app.get('/api/alerts', (_request, response) => {
      response.json(describeAlerts(this.#options.alerts));
    });
    app.use(exchangeRoutes({ recent: telemetry.recent, inFlight, limits }));
    app.use(traceRoutes(this.#options));
    app.use(pluginRoutes(this.#options.plugins));
    app.use(pipelineRoutes(this.#options));
    app.use(this.#tries.routes());
    app.use(() => {
      throw new SightlineError('resource_unknown');
    });
    app.use(answerError);
    return app;
  }
}
