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
      "In the console's Metrics, or on the dashboard Service, see whether memory rises with what is in flight: then add an instance, or raise this limit. Where it rises alone, something leaks, most often a plugin: the console's Plugins names versions that are unloaded and still held in memory.",
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
      "In the console's Plugins, or on the dashboard Plugins and middleware, see what takes the time, and unload it. Where it is the traffic, add an instance; where a cgroup allows the process less than one CPU, raise that.",
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
      "In the console's Live, or on the dashboard Traffic, see which outcome it is, and of which upstream. `upstream_error`, `upstream_truncated` and `upstream_unreachable` are for whoever runs the upstream (429 is a quota), `timed_out` is a slow upstream or a limit of ours, `failed` our own fault. Mistakes of clients, such as a wrong key, are not counted.",
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
      "In the console's Live, or on the dashboard Traffic, see whether it is one upstream or all. One: call whoever runs it, or put another `url` in its place and restart. All: take back what was changed last, such as a plugin; where it is 429, see whether one tenant does it all.",
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
      "In the console's Live, or on the dashboard Latency, see of which upstream and model: a slow one is overloaded, or gets longer prompts. The trace of a slow exchange shows what was waited for: a connection, the head of the reply, or the token itself.",
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
      "Open the trace of a slow exchange, from the console's Live or the dashboard Latency: it shows whether the upstream, the client or a plugin was waited for. `replyIdleTimeoutMs` bounds an upstream that has fallen silent, `max_tokens` of the clients the length of replies.",
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
      "In the console's Live, or on the dashboard Traffic, see of which upstream. Where they all broke off after the same time, it is somebody's idle timeout, such as that of a load balancer before the backend; else the backend restarts.",
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
      "In the console's Plugins, or on the dashboard Plugins and middleware, look for a plugin with long synchronous work: give it `isolation: 'worker'`, or unload it. Long pauses of garbage collection on the dashboard Service mean too little memory.",
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
    summary: 'Spans, log records or pushed metrics were lost; what is shown is incomplete.',
    action:
      'The dashboard Service, or `sightline_telemetry_dropped_total` of `GET /metrics`, tells what was lost and why. `export` and `queue_full`: the collector is down or slow, see `GET /readyz` and `OTEL_EXPORTER_OTLP_ENDPOINT`. `stdout`: nobody reads the log fast enough.',
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
      "The console's Plugins says why, with file and line. Mend the file and save it, and it is loaded; where the folder is not watched, reload it there. `sightline plugin check FILE` tells beforehand.",
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
      "The console's Plugins names the middleware, hook or message type, and its last error. Mend it, or what it calls: the breaker closes by itself when a trial succeeds. Where exchanges have to go on without it, unload the plugin.",
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
      "`GET /readyz` on the admin plane tells what the last probe came to: name, connection, TLS or time. Try its URL with `curl -v` from the same machine, and see in the console's Live, or on the dashboard Traffic, whether its exchanges fail as well.",
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
      "In the console's Live, the menus Tenant and Model tell who spends the tokens, as does the dashboard Tokens. An agent in a loop sends query after query, with a prompt that grows: block that tenant with a middleware, or its key at the upstream.",
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
      'Have whoever runs the upstream, or the proxy in front of it, renew it, and find out why that did not happen by itself. `openssl s_client -connect HOST:443 -servername HOST </dev/null` shows the one that it presents.',
  },
];
