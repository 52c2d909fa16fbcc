import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import pino from 'pino';
import { UpstreamFigures } from '../../src/snapshots/upstream-figures.ts';
import { metric } from '../../src/telemetry/names.ts';
import type { ProbeResult } from '../../src/upstreams/probe.ts';
import { CollectorScene } from './collector-scene.ts';

const dayMs = 86_400_000;

function result(upstream: string, values: Partial<ProbeResult>): ProbeResult {
  const nothing = { detail: undefined, checkedAt: undefined, certificateEndsAt: undefined };
  return { upstream, state: 'up', ...nothing, ...values };
}

class Scene extends CollectorScene {
  results: readonly ProbeResult[] | Error = [];
  readonly figures = new UpstreamFigures(
    {
      results: async () => {
        if (this.results instanceof Error) throw this.results;
        return [...this.results];
      },
    },
    this.instruments,
    pino({ level: 'info' }, { write: (line: string) => this.logged.push(JSON.parse(line)) }),
  );

  async gauge({ name }: { readonly name: string }) {
    const { resourceMetrics } = await this.reader.collect();
    const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
    const { dataPoints = [] } = all.find(({ descriptor }) => descriptor.name === name) ?? {};
    return Object.fromEntries(
      dataPoints.map(({ attributes, value }) => [attributes['sightline.upstream'], value]),
    );
  }
}

describe('the figures of upstreams', () => {
  test('are none before they were probed', async () => {
    const scene = new Scene();
    assert.deepEqual(scene.figures.look(0), {});
    assert.deepEqual(await scene.gauge(metric.upstreamUp), {});
  });

  test('are as the last probe found them', async () => {
    const scene = new Scene();
    scene.results = [result('one', {}), result('two', { state: 'down' })];
    await scene.figures.ask();
    assert.deepEqual(scene.figures.look(0), { one: { up: 1 }, two: { up: 0 } });
    assert.deepEqual(await scene.gauge(metric.upstreamUp), { one: 1, two: 0 });
    scene.results = [result('one', { state: 'down' }), result('two', {})];
    await scene.figures.ask();
    assert.deepEqual(scene.figures.look(0), { one: { up: 0 }, two: { up: 1 } });
    assert.deepEqual(await scene.gauge(metric.upstreamUp), { one: 0, two: 1 });
  });

  test('are absent where it is not probed', async () => {
    const scene = new Scene();
    scene.results = [result('one', { state: 'not_probed' }), result('two', { state: 'unknown' })];
    await scene.figures.ask();
    assert.deepEqual(scene.figures.look(0), { one: {}, two: {} });
    assert.deepEqual(await scene.gauge(metric.upstreamUp), {});
  });

  test('tell how long the certificate is good for, also where it has ended', async () => {
    const scene = new Scene();
    const now = Date.now();
    const endsAt = (days: number) => new Date(now + days * dayMs).toISOString();
    scene.results = [
      result('one', { certificateEndsAt: endsAt(30) }),
      result('two', { state: 'down', certificateEndsAt: endsAt(-2) }),
      result('three', {}),
    ];
    await scene.figures.ask();
    assert.deepEqual(scene.figures.look(now), {
      one: { up: 1, certificateDays: 30 },
      two: { up: 0, certificateDays: -2 },
      three: { up: 1 },
    });
    const { one, two, ...others } = await scene.gauge(metric.upstreamCertificate);
    assert.ok(Math.abs(Number(one) - 30 * 86_400) < 60 && Math.abs(Number(two) + 2 * 86_400) < 60);
    assert.deepEqual(others, {});
  });

  test('keep the certificate of one that cannot be reached any more', async () => {
    const scene = new Scene();
    const certificateEndsAt = new Date(10 * dayMs).toISOString();
    scene.results = [result('one', { certificateEndsAt })];
    await scene.figures.ask();
    scene.results = [result('one', { state: 'down' })];
    await scene.figures.ask();
    assert.deepEqual(scene.figures.look(0), { one: { up: 0, certificateDays: 10 } });
  });

  test('stay as they were where probing fails, which is logged', async () => {
    const scene = new Scene();
    scene.results = [result('one', {})];
    await scene.figures.ask();
    scene.results = new Error('not now');
    await scene.figures.ask();
    assert.deepEqual(scene.figures.look(0), { one: { up: 1 } });
    assert.deepEqual(
      scene.logged.map(({ msg }) => msg),
      ['upstreams cannot be probed'],
    );
  });
});
