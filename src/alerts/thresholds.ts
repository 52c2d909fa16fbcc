import { attribute, metric } from '../telemetry/names.ts';
import {
  cpuPercent,
  ended,
  errorRatio,
  errors,
  gauge,
  quantileMs,
  sumPerMinute,
  telemetryLost,
} from './measure.ts';
import type { Threshold } from './threshold.ts';

/** Of fewer exchanges within a window a ratio or a percentile is an anecdote, which is to wake nobody. */
const exchangesMin = 20;

/** What hovers about its limit is one incident and one message, not one each five seconds. */
const keepMs = 120_000;

/**
 * What this service warns of: in the process itself, in the rules for Prometheus, on the dashboards and in the README.
 * A new alert is a row here.
 */
export const thresholds: readonly Threshold[] = [
  {
    id: 'memory',
    title: 'Memory',
    field: 'memory.rssMb',
    // Measured: 165 MB idle, 435 MB with a thousand clients that stream and the simulator in the same process.
    measure: gauge(metric.processMemory, { dividedBy: 1_000_000 }),
    comparison: 'above',
    limit: 500,
    unit: 'MB',
    windowMs: 0,
    // A burst of large requests is gone with the next garbage collection.
    holdMs: 60_000,
    keepMs,
    severity: 'warning',
    summary: 'The process holds more memory than it should.',
    action:
      'On the dashboard Service, compare memory with what is in flight on the dashboard Traffic. Where both rise, there are more or larger streams: add an instance, or raise the limit of this alert. Where memory rises alone, something leaks, most often a plugin: see `sightline_plugin_leaks_total`, and unload one after the other with `POST /api/plugins/:name/unload` on the admin plane.',
  },
  {
    id: 'cpu',
    title: 'CPU',
    field: 'cpu.capacityPercent',
    measure: cpuPercent,
    comparison: 'above',
    limit: 80,
    unit: '%',
    // Two samples for a Prometheus that scrapes once a minute, as it does where nobody says otherwise.
    windowMs: 120_000,
    // Compiling plugins at the start, or at a reload, is over by then.
    holdMs: 120_000,
    keepMs,
    severity: 'warning',
    summary: 'The CPU that one event loop can have is nearly used up, and all exchanges slow down together.',
    action:
      'On the dashboard Plugins and middleware, see whose time has grown, and unload it with `POST /api/plugins/:name/unload` on the admin plane. Where it is the traffic, add an instance; where a cgroup limits the process to less than one CPU, raise that.',
  },
  {
    id: 'errors',
    title: 'Errors',
    field: 'errors',
    measure: errors,
    comparison: 'above',
    limit: 10,
    unit: '',
    windowMs: 300_000,
    // A count only grows within its window: to wait would tell nothing new.
    holdMs: 0,
    keepMs,
    severity: 'warning',
    summary: 'Many requests or turns have failed in a short time.',
    action:
      'On the dashboard Traffic, see which outcome it is, of which upstream and with which status; `GET /api/traces` on the admin plane has the newest of them. Of `upstream_error`, 429 is a quota; other 4xx but 408 and 425 are mistakes of a client, or of a key in our configuration, and not counted here; 5xx, `upstream_truncated` and `upstream_unreachable` are for whoever runs the upstream, `timed_out` is a slow upstream or a limit of ours, and `failed` is our own fault.',
  },
  {
    id: 'error-ratio',
    title: 'Error ratio',
    field: 'errorRatio',
    measure: errorRatio,
    comparison: 'above',
    limit: 0.05,
    unit: '',
    windowMs: 300_000,
    // Outlasts the restart of one of several backends.
    holdMs: 120_000,
    keepMs,
    exchangesMin,
    severity: 'critical',
    summary: 'A notable part of all requests and turns fails.',
    action:
      'On the dashboard Traffic, see which outcome and status it is, and whether it is one upstream or all; `GET /api/traces` on the admin plane has examples. If one: `GET /readyz` says whether it answers; to use another in its place, change its `url` in the configuration and restart. If all: take back what was changed last, such as a plugin (`POST /api/plugins/:name/unload`). Where it is 429, one client may do all of it: see the dashboard Tokens. Other 4xx but 408 and 425 are mistakes of clients, and not counted here.',
  },
  {
    id: 'first-token',
    title: 'Time to first token, p95',
    field: 'firstTokenMs.p95',
    measure: quantileMs(0.95, metric.timeToFirstChunk),
    comparison: 'above',
    // A bound of the buckets, so that it is told exactly. A person who waits longer leaves.
    limit: 5_000,
    unit: 'ms',
    windowMs: 300_000,
    holdMs: 120_000,
    keepMs,
    exchangesMin,
    exchangesField: 'firstTokenMs.count',
    severity: 'warning',
    summary: 'Models take long before they begin to answer.',
    action:
      'On the dashboard Latency, compare upstreams and models: one that is slow is overloaded, or got longer prompts (see the dashboard Tokens). Look at our own share there, too: where it has grown as well, a `beforeQuery` of middleware is slow, and `GET /api/traces/:id` on the admin plane shows which.',
  },
  {
    id: 'duration',
    title: 'Duration, p99',
    field: 'responseMs.p99',
    measure: quantileMs(0.99, metric.httpDuration),
    comparison: 'above',
    // A bound of the buckets. Long streams are no fault; that one in a hundred takes so long is worth a look.
    limit: 80_000,
    unit: 'ms',
    windowMs: 300_000,
    holdMs: 300_000,
    keepMs,
    exchangesMin,
    exchangesField: 'responseMs.count',
    severity: 'warning',
    summary: 'The slowest requests take very long.',
    action:
      'On the dashboard Latency, see of which upstream and model. `GET /api/exchanges` on the admin plane has those that still run, `GET /api/traces` the newest: the spans of one say whether the upstream, the client or a plugin was waited for. `replyIdleTimeoutMs` bounds an upstream that has fallen silent, `max_tokens` of the clients the length of replies.',
  },
  {
    id: 'truncated',
    title: 'Truncated replies',
    field: 'outcomes.upstream_truncated',
    measure: ended(['upstream_truncated']),
    comparison: 'above',
    limit: 5,
    unit: '',
    windowMs: 300_000,
    holdMs: 0,
    keepMs,
    severity: 'warning',
    summary: 'Replies broke off before their end, which clients may take for complete ones.',
    action:
      "On the dashboard Traffic, see of which upstream. Restarts of the backend, and idle timeouts of load balancers between it and Sightline, cut streams off: compare the durations of such traces in `GET /api/traces` on the admin plane; if they are all alike, it is somebody's timeout.",
  },
  {
    id: 'event-loop-delay',
    title: 'Event loop delay, p99',
    field: 'eventLoop.delayP99Ms',
    measure: gauge(metric.eventLoopDelay, { times: 1_000 }),
    comparison: 'above',
    // Our own work on a chunk is tens of microseconds; 100 ms are felt in every stream.
    limit: 100,
    unit: 'ms',
    windowMs: 0,
    holdMs: 60_000,
    keepMs,
    severity: 'warning',
    summary: 'Something blocks the event loop, and all streams stutter together.',
    action:
      "On the dashboard Plugins and middleware, look for a plugin with long synchronous work: give it `isolation: 'worker'`, or unload it with `POST /api/plugins/:name/unload` on the admin plane. Long pauses of garbage collection on the dashboard Service mean too little memory.",
  },
  {
    id: 'telemetry-drops',
    title: 'Lost telemetry',
    field: 'telemetryDropped',
    measure: telemetryLost,
    comparison: 'above',
    limit: 0,
    unit: '',
    windowMs: 300_000,
    holdMs: 0,
    keepMs,
    severity: 'warning',
    summary: 'Spans or log records were lost; what is shown is incomplete.',
    action:
      'The labels `sightline_signal` and `sightline_reason` of `sightline_telemetry_dropped_total` say what was lost and why. `export` and `queue_full`: the collector is down or slow, see `GET /readyz` on the admin plane and `OTEL_EXPORTER_OTLP_ENDPOINT`. `stdout`: nobody reads the log fast enough. Other reasons are counted and raise no alert.',
  },
  {
    id: 'plugin-rejected',
    title: 'Rejected plugin',
    field: 'plugins.rejected.*',
    by: attribute.plugin,
    measure: gauge(metric.pluginsRejected, { by: attribute.plugin }),
    comparison: 'above',
    limit: 0,
    unit: '',
    isYesOrNo: true,
    windowMs: 0,
    // Whoever saves a file with a mistake in it sees that at once, and mends it.
    holdMs: 60_000,
    keepMs,
    severity: 'warning',
    summary: 'The newest version of a plugin cannot be used; the one before it serves, where there was one.',
    action:
      '`GET /api/plugins` on the admin plane says why, with file and line. Check the mended file with `sightline plugin check FILE`, then save it: it is loaded at once, or by `POST /api/plugins/reload` where the folder is not watched.',
  },
  {
    id: 'breaker-open',
    title: 'Open breaker',
    field: 'plugins.breakersOpen.*',
    by: attribute.plugin,
    measure: gauge(metric.pluginBreakersOpen, { by: attribute.plugin }),
    comparison: 'above',
    limit: 0,
    unit: '',
    isYesOrNo: true,
    windowMs: 0,
    // It opens only after failures one after the other, and fails exchanges from then on.
    holdMs: 0,
    keepMs,
    severity: 'warning',
    summary:
      'A plugin failed several times in a row and is left out; where it has to be asked, exchanges fail.',
    action:
      '`GET /api/plugins` on the admin plane names the middleware, hook or message type, and the log has its errors. Mend it or what it calls; the breaker closes by itself when a trial succeeds. Until then `POST /api/plugins/:name/unload` takes the plugin out, and what it guards is unguarded.',
  },
  {
    id: 'upstream-unreachable',
    title: 'Unreachable upstream',
    field: 'upstreams.*.up',
    by: attribute.upstream,
    measure: gauge(metric.upstreamUp, { by: attribute.upstream, worst: 'min', highest: 1 }),
    comparison: 'below',
    limit: 1,
    unit: '',
    isYesOrNo: true,
    windowMs: 0,
    // Two probes, which come every 15 s.
    holdMs: 30_000,
    keepMs,
    severity: 'critical',
    summary: 'An upstream gives no answer to probes.',
    action:
      '`GET /readyz` on the admin plane has what the last probe came to: name, connection, TLS or time. Try its URL with `curl -v` from the same machine. Where it is gone for good, change its `url` in the configuration and restart.',
  },
  {
    id: 'token-burn',
    title: 'Token burn rate',
    field: 'tokens.perMinute',
    measure: sumPerMinute(metric.tokenUsage),
    comparison: 'above',
    // At 3 US$ for a million of them, 180 US$ an hour. What is much depends on the business: set your own.
    limit: 1_000_000,
    unit: 'tokens/min',
    windowMs: 600_000,
    // The window is long enough to pass over peaks.
    holdMs: 0,
    keepMs,
    severity: 'warning',
    summary: 'Tokens are spent fast, and cost accordingly.',
    action:
      'On the dashboard Tokens, see which model and tenant it is. An agent in a loop sends request after request with a prompt that grows: in `GET /api/traces` on the admin plane, look for many of one model, close together. Block that tenant with a middleware, or its key at the upstream.',
  },
  {
    id: 'certificate',
    title: 'Certificate',
    field: 'upstreams.*.certificateDays',
    by: attribute.upstream,
    measure: gauge(metric.upstreamCertificate, {
      by: attribute.upstream,
      worst: 'min',
      dividedBy: 86_400,
      lowest: Number.NEGATIVE_INFINITY,
    }),
    comparison: 'below',
    // Certificates of 90 days are renewed 30 days before their end: this one was not, and there is time to act.
    limit: 14,
    unit: 'days',
    windowMs: 0,
    holdMs: 0,
    keepMs,
    severity: 'warning',
    summary: "An upstream's TLS certificate is about to end; then no connection comes about.",
    action:
      'Ask whoever runs the upstream, or the proxy in front of it, to renew it, and why that did not happen by itself. `openssl s_client -connect HOST:443 -servername HOST </dev/null` shows the one that it presents.',
  },
];
