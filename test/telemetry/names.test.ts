import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { SightlineError } from '../../src/errors.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { defaultLimits } from '../../src/limits.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { PluginRecord } from '../../src/plugins/lifecycle/record.ts';
import { collectGarbage } from '../../src/plugins/worker/collect-garbage.ts';
import { PluginFigures } from '../../src/snapshots/plugin-figures.ts';
import { ProcessFigures } from '../../src/snapshots/process-figures.ts';
import { UpstreamFigures } from '../../src/snapshots/upstream-figures.ts';
import { attribute, logEvent, metric, scope, spanEvent, tagPrefix } from '../../src/telemetry/names.ts';
import { PluginRecorder } from '../../src/telemetry/plugin-recorder.ts';
import { metricName } from '../../src/telemetry/prometheus-names.ts';
import { machineWith } from '../snapshots/machine.ts';
import { RawConnection } from '../support/raw-http.ts';
import { CapturedLog } from './logs/captured-log.ts';
import { closedBy, SessionScene } from './session-scene.ts';
import { type Stage, startStage, until } from './stage.ts';

/** Breaks where the client asks for it. */
const brittle: Middleware = {
  name: 'brittle',
  beforeQuery(_query, exchange) {
    if (exchange.header('x-break') !== undefined) throw new Error('broken');
  },
};

const parameters = {
  temperature: 0.5,
  top_p: 0.9,
  frequency_penalty: 0.1,
  presence_penalty: 0.2,
  stop: ['END'],
  seed: 7,
  n: 2,
  max_completion_tokens: 400,
};

/** Something of everything. */
async function runTraffic(stage: Stage): Promise<void> {
  stage.service.hooks.registerHook('reply.head', () => {
    throw new Error('a hook that fails');
  });

  const plugin = { name: 'tenant', version: '1.2.0', frames: () => '' };
  stage.service.hooks.registerHook('reply.head', () => undefined, { plugin });
  const lifecycle = new PluginRecorder(stage.service.telemetry);
  lifecycle.changed('loaded', 'tenant');
  lifecycle.moved('loading', 'active');
  lifecycle.breakersOpen('tenant', 1);
  lifecycle.leaked('tenant');
  lifecycle.strayError('tenant');
  lifecycle.messageHandled({
    type: 'tool.call',
    owner: plugin,
    result: 'passed',
    durationMs: 1,
    error: undefined,
  });

  stage.sink.mode = 'refuse';
  await stage.chat();
  await until('an export fails', () => stage.service.telemetry.state().traces.some(({ lost }) => lost > 0));
  stage.sink.mode = 'ok';

  const tagged = { 'x-team': 'blue' };
  await stage.chat({ stream: true, model: 'o3-mini', ...parameters }, tagged);
  await stage.chat({ model: 'gpt-4o', ...parameters });
  for (const stream of [true, false]) {
    await stage.query({ model: 'gpt-4o', stream, input: 'Hello!' }, { path: '/v1/responses' });
    await stage.query({ model: 'davinci', stream, prompt: 'Hello!' }, { path: '/v1/completions' });
  }
  await stage.query({ model: 'text-embedding-3-small', input: ['Hello!'] }, { path: '/v1/embeddings' });
  const long = { type: 'text', text: 'word '.repeat(4_000), cache_control: { type: 'ephemeral' } };
  const messages = [{ role: 'user', content: [long] }];
  const tools = [{ name: 'look', input_schema: { type: 'object' } }];
  await stage.query(
    {
      model: 'claude-sonnet-4-5',
      stream: true,
      max_tokens: 64,
      top_k: 5,
      system: 'Be brief.',
      tools,
      messages,
    },
    { path: '/anthropic/v1/messages' },
  );

  for (const model of ['sim-status-429', 'sim-status-500', 'sim-garbage', 'sim-close', 'sim-truncate-2']) {
    await stage.chat({ model, stream: true });
  }
  await stage.chat({ model: 'sim-error-event-2', stream: true });
  await stage.chat({ model: 'sim-malformed-sse' });
  await stage.chat({}, { 'x-break': '1' });
  await stage.send('/v1/models');
  await stage.send('/v1/files', { method: 'PROPFIND' });

  const connection = await RawConnection.open(stage.service.dataUrl);
  await connection.send('this is not HTTP\r\n\r\n');
  await connection.rest();
  connection.close();
  tryTwice(stage);
  runSession(stage);
  await tellFigures(stage);
  await stage.service.collector.look();
  await until('the alert is given up', async () =>
    (await stage.page()).has('sightline_alert_notifications_total'),
  );
}

/** Figures of a machine, an upstream and a plugin that are not here. */
async function tellFigures(stage: Stage): Promise<void> {
  const { instruments } = stage.service.telemetry;
  await using machine = await machineWith({ cpus: 2 });
  await new ProcessFigures({ instruments, root: machine.root }).look();
  const certificateEndsAt = new Date(0).toISOString();
  const probed = { upstream: 'default', state: 'down', detail: undefined, checkedAt: undefined } as const;
  const probes = { results: async () => [{ ...probed, certificateEndsAt }] };
  await new UpstreamFigures(probes, instruments, stage.service.log).ask();
  const rejected = new PluginRecord('/tenant.plugin.ts', () => undefined);
  rejected.newestProblem = {
    step: 'build',
    message: 'It does not build.',
    place: { file: rejected.file },
    plugin: undefined,
    version: undefined,
    at: new Date(),
  };
  const { generation } = stage.service.plugins.manager;
  new PluginFigures({ generation, draining: [], records: [rejected] }, instruments, defaultLimits);
  await until('garbage is collected', async () => {
    collectGarbage();
    return (await stage.page()).has('v8js_gc_duration_seconds');
  });
}

/** A session with a turn of everything that there is. */
function runSession({ service }: Stage): void {
  const scene = new SessionScene(service, { id: 'session' });
  scene.connect();
  Object.assign(scene.facts, { subprotocol: 'realtime', turnsDropped: 1, refused: 1, swallowed: 1 });
  scene.receive('client', 1, 1, 10);
  const turn = scene.turn();
  scene.attempt(turn);
  scene.endTurn(turn, { usage: { input: 1, output: 1, cacheRead: 1, cacheCreation: 1, reasoning: 1 } });
  const query = scene.query();
  const error = new SightlineError('upstream_unreachable');
  scene.attemptQuery(query).connectTries.push({ number: 1, at: 0, error, nextInMs: 250 });
  scene.endQuery(query);
  scene.end('completed', closedBy('client', 1000, 'bye'));
  const refused = new SessionScene(service, { id: 'refused' });
  refused.session.status = 404;
  refused.end('blocked', undefined, new SightlineError('route_unknown'));
}

/** An exchange with a second attempt, as retries will make them. */
function tryTwice({ service }: Stage): void {
  const head = { method: 'POST', target: '/', path: '/', headers: [], httpVersion: '1.1' };
  const route = { template: '/*', upstream: 'default', dialect: undefined };
  const exchange = new Exchange('twice', true, head, route, defaultLimits);
  const { recorder } = service.telemetry;
  recorder.begin(exchange);
  for (let i = 0; i < 2; i += 1) {
    const identity = { name: 'default', provider: undefined, address: '127.0.0.1', port: 1 };
    recorder.beginAttempt(exchange, exchange.beginAttempt(identity));
    exchange.attempt?.end('upstream_unreachable', new SightlineError('upstream_unreachable'));
  }
  exchange.end('upstream_unreachable', new SightlineError('upstream_unreachable'));
  recorder.end(exchange);
}

const isOurs = (key: string) => !key.startsWith(tagPrefix) && !key.startsWith('otel.');

describe('what is emitted and the table of names', async () => {
  const stage = await startStage({
    config: {
      middleware: [{ 'request-tags': { tags: { team: { header: 'x-team', label: true } } } }],
      // It fires, and the one who is to be told is not there.
      alerts: { thresholds: { memory: { limit: 1, holdMs: 0 } }, webhooks: ['http://127.0.0.1:1'] },
      limits: { chunkGapsMax: 3, middlewareRunsMax: 3, contentCharsMax: 8_000, alertSendTriesMax: 1 },
      plugins: { folder: fileURLToPath(new URL('../../plugins', import.meta.url)), watch: false },
    },
    stdout: new CapturedLog(),
    otel: {
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '200',
      OTEL_METRIC_EXPORT_INTERVAL: '3600000',
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'SPAN_AND_EVENT',
    },
    middleware: [brittle],
  });
  await runTraffic(stage);
  await stage.spansOf('session');
  const page = await stage.page();
  const { sink } = stage;
  await stage[Symbol.asyncDispose]();
  const spans = sink.spans();
  const metrics = sink.metrics().filter(({ name }) => isOurs(name));

  const onSpans = new Set(
    spans.flatMap((span) => [
      ...Object.keys(span.attributes),
      ...span.events.flatMap((event) => Object.keys(event.attributes)),
    ]),
  );
  const onMetrics = new Set(
    metrics.flatMap(({ points }) => points.flatMap((point) => Object.keys(point.attributes))),
  );
  const records = sink.logs().filter(({ eventName }) => eventName !== '');
  // What else the service says has fields as its log has them.
  const told = new Set<string>([logEvent.exchange, logEvent.inferenceDetails]);
  const onRecords = new Set(
    records
      .filter(({ eventName }) => told.has(eventName))
      .flatMap(({ attributes }) => Object.keys(attributes)),
  );
  const known: ReadonlySet<string> = new Set(Object.values(attribute));

  test('every attribute and label stands in the table', () => {
    const unknown = [...onSpans, ...onMetrics, ...onRecords].filter((key) => isOurs(key) && !known.has(key));
    assert.deepEqual(unknown, []);
    assert.ok(onSpans.has(`${tagPrefix}team`) && onMetrics.has(`${tagPrefix}team`));
  });

  test('every row of the table is emitted', () => {
    const dead = [...known].filter((key) => !onSpans.has(key) && !onMetrics.has(key) && !onRecords.has(key));
    assert.deepEqual(dead, []);
  });

  test('log records are those of the table', () => {
    assert.deepEqual(
      [...new Set(records.map(({ eventName }) => eventName))].toSorted(),
      Object.values<string>(logEvent).toSorted(),
    );
  });

  test('span events are those of the table', () => {
    const events = new Set(spans.flatMap((span) => span.events.map(({ name }) => name)));
    assert.deepEqual([...events].toSorted(), Object.values<string>(spanEvent).toSorted());
  });

  test('metrics are those of the table, with their units, kinds and buckets', () => {
    const emitted = metrics.map(({ name, unit, description, type, monotonic, points }) => {
      const kind = type !== 'sum' ? type : monotonic ? 'counter' : 'up_down_counter';
      return { name, kind, unit, description, ...(points[0]?.bounds && { buckets: points[0].bounds }) };
    });
    const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
    const rows = Object.values(metric).map((row) => ({ ...row, isObserved: undefined }));
    assert.deepEqual(
      emitted.map((one) => ({ ...one, isObserved: undefined })).toSorted(byName),
      rows.toSorted(byName),
    );
  });

  test('the page has the same metrics under their Prometheus names', () => {
    const expected = Object.values(metric).map((row) => metricName(row.name, row.unit, row.kind));
    const rendered = [...page.keys()].filter((name) => name !== 'target_info' && !name.startsWith('otel_'));
    assert.deepEqual(rendered.toSorted(), expected.toSorted());
    for (const { name, unit, kind, description } of Object.values(metric))
      assert.equal(page.get(metricName(name, unit, kind))?.help, description);
  });

  test('all of it comes from one scope', () => {
    assert.deepEqual(new Set([...spans, ...metrics].map((one) => one.scope)), new Set([scope.name]));
  });
});

describe('names of the conventions', () => {
  const published = new Set<unknown>(Object.values(conventions));
  const names = [
    ...Object.values(attribute),
    ...Object.values(spanEvent),
    ...Object.values(metric).map(({ name }) => name),
  ];

  test('are names of the conventions, or in our own namespace', () => {
    const invented = names.filter((name) => !name.startsWith('sightline.') && !published.has(name));
    assert.deepEqual(invented, []);
  });

  test('do not occur in our own namespace', () => {
    assert.deepEqual(
      names.filter((name) => name.startsWith('sightline.') && published.has(name)),
      [],
    );
  });

  test('are each there once', () => {
    for (const table of [attribute, spanEvent])
      assert.equal(new Set(Object.values(table)).size, Object.keys(table).length);
    assert.equal(new Set(Object.values(metric).map(({ name }) => name)).size, Object.keys(metric).length);
  });
});
