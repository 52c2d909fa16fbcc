import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import type { Histogram } from '@opentelemetry/sdk-metrics';
import type { Middleware } from '../../../src/middleware/middleware.ts';
import { LabelBounds, other } from '../../../src/telemetry/metrics/labels.ts';
import { metric } from '../../../src/telemetry/names.ts';
import { PluginRecorder } from '../../../src/telemetry/plugin-recorder.ts';
import { type Page, samplesOf, total } from '../prometheus-text.ts';
import { type Stage, startStage } from '../stage.ts';

describe('a bounded label', () => {
  test('has so many values, the first ones, and then another one for all the rest', () => {
    const labels = new LabelBounds(2);
    assert.deepEqual(
      ['a', 'b', 'c', 'a', 'd', 'b'].map((value) => labels.bound('model', value)),
      ['a', 'b', other, 'a', other, 'b'],
    );
  });

  test('has no value that is longer than any name', () => {
    const labels = new LabelBounds(2, 5);
    const values = ['short', 'longer', 'longer', 'a', 'b'];
    assert.deepEqual(
      values.map((value) => labels.bound('model', value)),
      ['short', other, other, 'a', other],
    );
    assert.equal(labels.known('model', 'longer'), other);
  });

  test('is bounded for itself', () => {
    const labels = new LabelBounds(1);
    assert.deepEqual([labels.bound('one', 'a'), labels.bound('two', 'b')], ['a', 'b']);
    assert.deepEqual([labels.bound('one', 'b'), labels.bound('two', 'a')], [other, other]);
  });

  test('shows a value that nobody confirmed only where it was confirmed before', () => {
    const labels = new LabelBounds(2);
    assert.equal(labels.known('model', 'a'), other);
    labels.bound('model', 'a');
    assert.equal(labels.known('model', 'a'), 'a');
    assert.equal(labels.known('model', 'b'), other);
    assert.equal(labels.bound('model', 'b'), 'b', 'asking for one takes no room');
  });
});

const requested = (page: Page) =>
  new Set(samplesOf(page).flatMap(({ labels }) => labels.gen_ai_request_model ?? []));

/** Kinds of garbage collections come about when they do. */
const ofTraffic = (page: Page) => samplesOf(page).filter(({ name }) => !/^(?:v8js|nodejs)_/.test(name));

/** A model backend that knows no model. */
async function startStrictBackend() {
  const server = http.createServer((request, response) => {
    request.resume();
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{"error":{"type":"invalid_request_error","code":"model_not_found","message":"No."}}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function invent(stage: Stage, from: number, to: number): Promise<void> {
  const { dataUrl } = stage.service;
  let next = from;
  const worker = async () => {
    for (let n = next++; n < to; n = next++) {
      const headers = { 'content-type': 'application/json', 'x-team': `team-${n}` };
      const body = JSON.stringify({
        model: `invented-${n}`,
        messages: [{ role: 'user', content: 'Hello!' }],
      });
      const paths = ['/v1/chat/completions', '/strict/v1/chat/completions'];
      for (const path of paths) await (await fetch(dataUrl + path, { method: 'POST', headers, body })).text();
      await (await fetch(`${dataUrl}/invented/${n}?n=${n}`, { headers })).text();
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  await stage.service.inFlight.empty();
}

test('more than 2,000 requests with invented models, paths and tags do not multiply the series', async () => {
  await using strict = await startStrictBackend();
  await using stage = await startStage({
    upstreams: { strict: strict.url },
    config: {
      limits: { labelValuesMax: 20, tracesMax: 10 },
      middleware: [{ 'request-tags': { tags: { team: { header: 'x-team', label: true } } } }],
    },
    otel: { OTEL_TRACES_EXPORTER: 'none' },
  });
  await invent(stage, 0, 100);
  const early = ofTraffic(await stage.page());
  await invent(stage, 100, 700);
  const page = await stage.page();
  assert.equal(total(page, 'http_server_request_duration_seconds_count'), 2_100);
  assert.equal(ofTraffic(page).length, early.length);
  const models = requested(page);
  assert.equal(models.size, 20 + 1);
  assert.ok(models.has(other));
  const routes = new Set(samplesOf(page).flatMap(({ labels }) => labels.http_route ?? []));
  assert.deepEqual(routes, new Set(['/v1/chat/completions', '/strict/v1/chat/completions', '/*']));
});

test('a model that the upstream does not confirm is told by its name only where it did before', async () => {
  await using stage = await startStage({ config: { limits: { labelValuesMax: 3 } } });
  await stage.chat({ model: 'sim-status-404' });
  assert.deepEqual(requested(await stage.page()), new Set([other]));
  await stage.chat({ model: 'gpt-4o' });
  await stage.chat({ model: 'sim-tokens-3' });
  await stage.chat({ model: 'sim-status-404' });
  const page = await stage.page();
  assert.deepEqual(requested(page), new Set([other, 'gpt-4o', 'sim-tokens-3']));
  assert.equal(
    total(page, 'gen_ai_client_operation_duration_seconds_count', { gen_ai_request_model: other }),
    2,
  );
});

test('plugins that come and go, and labels that they make up, do not multiply the series', async () => {
  let n = 0;
  const labels: Middleware = {
    name: 'labels',
    beforeQuery(_query, exchange) {
      n += 1;
      exchange.setLabel(`name-${n}`, 'value');
    },
  };
  await using stage = await startStage({
    config: { limits: { labelValuesMax: 5 } },
    otel: { OTEL_TRACES_EXPORTER: 'none' },
    middleware: [labels],
  });
  const recorder = new PluginRecorder(stage.service.telemetry);
  for (let i = 0; i < 20; i += 1) {
    await stage.chat({ model: 'sim-tokens-1' });
    recorder.changed('loaded', `plugin-${i}`);
    recorder.strayError(`plugin-${i}`);
    recorder.leaked(`plugin-${i}`);
    recorder.breakersOpen(`plugin-${i}`, 1);
  }
  for (let i = 0; i < 20; i += 1) recorder.breakersOpen(`plugin-${i}`, -1);
  const page = await stage.page();
  for (const name of ['changes_total', 'stray_errors_total', 'leaks_total', 'breakers_open'])
    assert.equal(page.get(`sightline_plugin_${name}`)?.samples.length, 5 + 1, name);
  assert.equal(total(page, 'sightline_plugin_changes_total', { sightline_plugin: other }), 15);
  const open = page.get('sightline_plugin_breakers_open')?.samples;
  assert.ok(
    open?.every(({ value }) => value === 0),
    'what is closed is the same that was open',
  );
  const names = new Set(samplesOf(page).flatMap((sample) => Object.keys(sample.labels)));
  const tags = [...names].filter((name) => name.startsWith('sightline_tag_'));
  assert.deepEqual(tags.length, 5 + 1, tags.join());
});

test('labels that middleware put in another order are the same series', async () => {
  let isOther = false;
  const labels: Middleware = {
    name: 'labels',
    beforeQuery(_query, exchange) {
      isOther = !isOther;
      for (const name of isOther ? ['team', 'app'] : ['app', 'team']) exchange.setLabel(name, 'value');
    },
  };
  await using stage = await startStage({ otel: { OTEL_TRACES_EXPORTER: 'none' }, middleware: [labels] });
  for (let i = 0; i < 2; i += 1) await stage.chat({ model: 'sim-tokens-1' });
  await stage.service.inFlight.empty();
  // Where they are pushed, nothing puts equal ones together, as the page does.
  const { resourceMetrics } = await stage.service.telemetry.page.collect();
  const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  const found = all.find(({ descriptor }) => descriptor.name === metric.httpDuration.name);
  assert.deepEqual(
    found?.dataPoints.map(({ value }) => (value as Histogram).count),
    [2],
  );
});
