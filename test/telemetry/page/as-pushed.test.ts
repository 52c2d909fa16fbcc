import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import type { Attributes, ReceivedMetric } from '../../support/otlp-decoder.ts';
import type { Page } from '../prometheus-text.ts';
import { type Stage, startStage, until } from '../stage.ts';

/** What a unit adds to a name that does not say it; one that is not here is no unit of ours. */
const units: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes', '1': '', '': '' };

/**
 * The series that Prometheus's OTLP receiver makes of what was pushed, each as one text: by the words of OpenTelemetry's
 * specification, for such names and units as we have, and with nothing of what writes the page.
 * https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#otlp-metric-points-to-prometheus
 */
function translated(metrics: readonly ReceivedMetric[]): Set<string> {
  return new Set(
    metrics.flatMap(({ name, unit, type, monotonic, points }) => {
      assert.match(
        name,
        /^[a-z0-9]+(?:[._][a-z0-9]+)*$/,
        'dots and underscores are all that there is to translate',
      );
      const named = name.replaceAll('.', '_');
      const added = /^\{\w+\}$/.test(unit)
        ? ''
        : (units[unit] ?? assert.fail(`the unit of ${name} is ${unit}`));
      const isSaid = `${named}_`.includes(`${added}_`);
      const ratio = unit === '1' && type === 'gauge' ? '_ratio' : '';
      const family = `${named}${isSaid ? '' : added}${ratio}${monotonic ? '_total' : ''}`;
      const samples = type === 'histogram' ? [`${family}_count`, `${family}_sum`] : [family];
      return points.flatMap((point) => {
        const bounds = point.bounds ? [...point.bounds, Number.POSITIVE_INFINITY] : [];
        return [
          ...samples.map((sample) => series(sample, point.attributes)),
          ...bounds.map((le) => series(`${family}_bucket`, { ...point.attributes, le })),
        ];
      });
    }),
  );
}

function scraped(page: Page): Set<string> {
  const samples = [...page.values()].flatMap((family) => family.samples);
  return new Set(
    samples
      .filter(({ name }) => name !== 'target_info')
      .map(({ name, labels: { le, ...labels } }) =>
        series(name, le === undefined ? labels : { ...labels, le: Number(le.replace('+Inf', 'Infinity')) }),
      ),
  );
}

function series(name: string, attributes: Attributes): string {
  const labels = Object.entries(attributes).map(([key, value]) => [key.replaceAll('.', '_'), String(value)]);
  return JSON.stringify([name, ...labels.sort()]);
}

/** The first of them: there are thousands. */
const without = (some: Set<string>, others: Set<string>) =>
  [...some].filter((one) => !others.has(one)).slice(0, 5);

async function traffic(stage: Stage): Promise<void> {
  const content = [{ role: 'user', content: 'Hello!' }];
  for (const model of ['gpt-4o', 'sim-status-500', 'sim-truncate-2', 'sim-close', 'no such\nmodel'])
    for (const isStream of [true, false]) await stage.chat({ model, stream: isStream, messages: content });
  await stage.query(
    { model: 'claude', max_tokens: 4, messages: content },
    { path: '/anthropic/v1/messages', headers: { 'x-team': 'a "team"' } },
  );
  const socket = new WebSocket(
    `${stage.service.dataUrl.replace('http', 'ws')}/v1/realtime?model=gpt-realtime`,
  );
  await once(socket, 'open');
  socket.close();
  await once(socket, 'close');
  await stage.service.inFlight.empty();
}

test('scraped and pushed metrics are the same series', async () => {
  await using stage = await startStage({
    config: { middleware: [{ 'request-tags': { tags: { team: { header: 'x-team', label: true } } } }] },
    otel: { OTEL_METRICS_EXPORTER: 'otlp', OTEL_METRIC_EXPORT_INTERVAL: '100' },
  });
  const plugin = stage.service.telemetry.pluginMeter('counting');
  plugin.createCounter('plugin.counted', { unit: 'By' }).add(1, { 'of.what': 'a', on: true, at: 1.5 });
  plugin.createHistogram('plugin.took', { unit: 's' }).record(2);
  plugin.createGauge('plugin.share', { unit: '1' }).record(0.5);
  await traffic(stage);

  // What is born meanwhile is on the later ones alone.
  stage.sink.clear();
  await until('all is pushed', () => stage.sink.metrics().some(({ name }) => name === 'process.uptime'));
  const before = translated(stage.sink.metrics());
  const page = scraped(await stage.page());
  stage.sink.clear();
  await stage.service.stop();
  const after = translated(stage.sink.metrics());
  assert.deepEqual(without(before, page), [], 'pushed, and not on the page');
  assert.deepEqual(without(page, after), [], 'on the page, and not pushed');
  assert.ok(page.size > 500, `${page.size} series`);
});
