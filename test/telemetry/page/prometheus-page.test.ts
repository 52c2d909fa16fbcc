import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { AggregationType, MeterProvider } from '@opentelemetry/sdk-metrics';
import { PluginMetrics } from '../../../src/telemetry/metrics/plugin-metrics.ts';
import { PrometheusPage } from '../../../src/telemetry/page/prometheus-page.ts';
import { parsePage, samplesOf, total } from '../prometheus-text.ts';
import { startStage } from '../stage.ts';
import { Meters } from './meters.ts';

const buckets = Array.from({ length: 100 }, (_, i) => i);

describe('a page', () => {
  test('without a measurement still tells whose it is', async () => {
    const all = new Meters({ 'service.name': 'sightline' });
    assert.equal(
      await all.page.render(),
      '# HELP target_info Target metadata\n# TYPE target_info gauge\ntarget_info{service_name="sightline"} 1\n',
    );
  });

  test('quotes, backslashes, line feeds and any script come through in labels and help', async () => {
    const all = new Meters();
    const values = [
      '"',
      '\\',
      '\n',
      '\\n',
      'a"b\\c\nd',
      'Zürich 東京 🙂',
      '{a="b"}',
      ' ',
      '\t',
      '\r',
      '\u2028',
    ];
    const description = 'Says "this", \\ and\nthat.';
    const counter = all.meter.createCounter('odd', { description });
    for (const value of values) counter.add(1, { value });
    const family = (await all.classic()).get('odd_total');
    assert.equal(family?.help, description);
    assert.deepEqual(
      family?.samples.map(({ labels }) => labels.value),
      values,
    );
  });

  test('buckets are cumulated, and end with everything', async () => {
    const all = new Meters();
    const advice = { explicitBucketBoundaries: [0.00005, 1, 10] };
    const histogram = all.meter.createHistogram('size', { unit: 'By', advice });
    for (const value of [0.00001, 0.5, 1, 5, 5, 100]) histogram.record(value, { kind: 'a' });
    const samples = (await all.classic()).get('size_bytes')?.samples;
    assert.deepEqual(
      samples?.map(({ name, labels, value }) => [name, labels.le, value]),
      [
        ['size_bytes_bucket', '5e-05', 1],
        ['size_bytes_bucket', '1.0', 3],
        ['size_bytes_bucket', '10.0', 5],
        ['size_bytes_bucket', '+Inf', 6],
        ['size_bytes_sum', undefined, 111.50001],
        ['size_bytes_count', undefined, 6],
      ],
    );
  });

  test('numbers that are not finite, or hardly, are written as Prometheus reads them', async () => {
    const all = new Meters();
    const gauge = all.meter.createGauge('level');
    const values = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1e300, -1e-300, 0.1, -0];
    for (const [i, value] of values.entries()) gauge.record(value, { i });
    const samples = (await all.classic()).get('level')?.samples;
    assert.deepEqual(
      samples?.map(({ value }) => value),
      [...values.slice(0, -1), 0],
    );
  });

  test('keys that become one label share it, in the order of the keys', async () => {
    const all = new Meters();
    all.meter.createCounter('shared').add(1, { a_b: 'three', 'a.b': 'two', 'a-b': 'one' });
    assert.deepEqual((await all.classic()).get('shared_total')?.samples[0]?.labels, { a_b: 'one;two;three' });
  });

  test('points that come out with the same labels are one series', async () => {
    const all = new Meters();
    const counter = all.meter.createCounter('requests');
    const histogram = all.meter.createHistogram('time', { advice: { explicitBucketBoundaries: [1] } });
    const alike = [{ 'a.b': 'x' }, { a_b: 'x' }, { 'a-b': 'x', empty: '' }];
    for (const attributes of alike) {
      counter.add(1, attributes);
      histogram.record(2, attributes);
    }
    const page = await all.classic();
    assert.deepEqual(page.get('requests_total')?.samples, [
      { name: 'requests_total', labels: { a_b: 'x' }, value: 3 },
    ]);
    assert.deepEqual(
      page.get('time')?.samples.map(({ value }) => value),
      [0, 3, 6, 3],
    );
  });

  test("a label of the histogram's own cannot be taken", async () => {
    const all = new Meters();
    const histogram = all.meter.createHistogram('time', { advice: { explicitBucketBoundaries: [1] } });
    for (const le of ['0.5', 'x']) histogram.record(2, { le, kind: 'a' });
    const page = await all.classic();
    assert.equal(total(page, 'time_count', { kind: 'a' }), 2);
    assert.equal(page.get('time')?.samples.length, 4);
  });

  test('metrics of one name from several scopes are one family', async () => {
    const all = new Meters();
    for (const scope of ['one', 'two']) {
      const meter = all.provider.getMeter(scope);
      meter.createCounter('requests', { description: 'Requests.' }).add(2, { both: true });
      meter.createCounter('requests', { description: 'Requests.' }).add(1, { scope });
    }
    const page = await all.classic();
    assert.equal(total(page, 'requests_total'), 6);
    assert.equal(page.get('requests_total')?.samples.length, 3);
  });

  test('of metrics that come out under one name and are not of one kind, the first stays', async () => {
    const all = new Meters();
    all.meter.createUpDownCounter('things').add(1);
    all.provider.getMeter('other').createHistogram('things').record(1);
    const page = await all.classic();
    assert.equal(page.get('things')?.type, 'gauge');
    assert.equal(total(page, 'things'), 1);
  });

  test('what it cannot write is left out', async () => {
    const page = new PrometheusPage();
    const views = [
      { instrumentName: 'fine', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } as const },
    ];
    const provider = new MeterProvider({ readers: [page], views });
    provider.getMeter('tests').createHistogram('fine').record(1);
    provider.getMeter('tests').createObservableGauge('never.observed');
    const families = parsePage(await page.render());
    assert.deepEqual([...families.keys()], ['target_info']);
  });

  test('is there also while telemetry shuts down', async () => {
    const all = new Meters();
    all.meter.createCounter('requests').add(1);
    await all.provider.shutdown();
    assert.equal(total(await all.classic(), 'requests_total'), 1);
  });
});

describe('a large page', () => {
  test('comes in pieces of whole lines, and others have their turn in between', async () => {
    const all = new Meters();
    const histogram = all.recorded.histogram({ name: 'size', unit: '', description: '', buckets });
    for (let i = 0; i < 90; i += 1) histogram.record(i, { text: 'x'.repeat(200), i });
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    count();
    const pieces: string[] = [];
    for await (const piece of await all.page.pieces()) pieces.push(piece);
    isOver = true;
    assert.ok(pieces.length > 5, `${pieces.length} pieces`);
    assert.ok(turns >= pieces.length, `${turns} turns`);
    for (const piece of pieces) assert.ok(piece.endsWith('\n') && piece.length < 2 ** 19, `${piece.length}`);
    assert.equal(total(parsePage(pieces.join('')), 'size_count'), 90);
  });

  test('is of one moment', async () => {
    const all = new Meters();
    const histogram = all.recorded.histogram({ name: 'size', unit: '', description: '', buckets });
    for (let i = 0; i < 90; i += 1) histogram.record(i, { text: 'x'.repeat(200), i });
    let page = '';
    for await (const piece of await all.page.pieces()) {
      page += piece;
      for (let i = 0; i < 90; i += 1) histogram.record(i, { text: 'x'.repeat(200), i });
    }
    assert.equal(total(parsePage(page), 'size_count'), 90);
  });
});

describe('what is observed', () => {
  test('is left out where it is not told in time', async () => {
    const plugins = new PluginMetrics(10);
    const page = new PrometheusPage({ metricProducers: [plugins.producer()], observeTimeoutMs: 20 });
    const provider = new MeterProvider({ readers: [page] });
    provider.getMeter('tests').createCounter('ours').add(1);
    const meter = plugins.meter('silent');
    meter.createObservableGauge('never').addCallback(() => new Promise(() => undefined));
    meter.createObservableGauge('throws').addCallback(() => {
      throw new Error('broken');
    });
    meter.createCounter('theirs').add(2);
    const families = parsePage(await page.render());
    assert.deepEqual([...families.keys()], ['target_info', 'ours_total', 'theirs_total']);
  });
});

describe('the page of a service under traffic', () => {
  async function page(): Promise<string> {
    await using stage = await startStage({
      config: { middleware: [{ 'request-tags': { tags: { team: { header: 'x-team', label: true } } } }] },
    });
    for (const team of ['"quoted"', 'back\\slash', '', 'plain']) {
      await stage.chat({ stream: true }, { 'x-team': team });
      await stage.chat({ model: 'sim-status-500' });
    }
    await stage.chat();
    // Read before the service stops.
    return await (await stage.admin('/metrics')).text();
  }

  test('holds to the format', async () => {
    const families = parsePage(await page());
    assert.equal(total(families, 'http_server_request_duration_seconds_count'), 9);
    const teams = new Set(samplesOf(families).map(({ labels }) => labels.sightline_tag_team));
    assert.deepEqual(teams, new Set([undefined, '"quoted"', 'back\\slash', 'plain']));
  });

  test('is sent as fast as it is read, and no longer than somebody reads it', async () => {
    await using stage = await startStage();
    const counter = stage.service.telemetry.pluginMeter('large').createCounter('large');
    for (let i = 0; i < 1_900; i += 1) counter.add(1, { i, text: 'x'.repeat(8_000) });
    const reply = await stage.admin('/metrics');
    const reader = reply.body?.getReader();
    assert.equal((await reader?.read())?.done, false);
    await reader?.cancel();
    assert.ok((await (await stage.admin('/metrics')).text()).length > 15_000_000);
    const head = await fetch(`${stage.service.adminUrl}/metrics`, { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
  });

  const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
  const skip = hasPromtool ? false : 'promtool is not on the PATH: only the parser of these tests has looked';
  test('passes promtool check metrics', { skip }, async () => {
    const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input: await page() });
    // It reports names that its linter would choose otherwise as well; a page that cannot be read is status 1.
    const problems = `${stdout}${stderr}`
      .split('\n')
      .filter((line) => /error|duplicate|collected/i.test(line));
    assert.deepEqual(problems, []);
    assert.notEqual(status, 1);
  });
});
