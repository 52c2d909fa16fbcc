import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { createInstruments } from '../../../src/telemetry/metrics/instruments.ts';
import { PluginMetrics } from '../../../src/telemetry/metrics/plugin-metrics.ts';
import { metric } from '../../../src/telemetry/names.ts';
import { openMetricsPage } from '../../../src/telemetry/page/open-metrics-page.ts';
import { Random } from '../../support/random.ts';
import { total } from '../prometheus-text.ts';
import { Meters } from './meters.ts';

const ids = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), flags: 1 };
const size = { name: 'size', unit: '', description: '', buckets: [1, 10] };

describe('an OpenMetrics page', () => {
  test('without a measurement tells whose it is, and ends', async () => {
    const all = new Meters({ 'service.name': 'sightline' });
    assert.equal(
      await all.page.render(openMetricsPage),
      '# TYPE target info\n# HELP target Target metadata\ntarget_info{service_name="sightline"} 1\n# EOF\n',
    );
  });

  test('names families by their type, and units where the name ends in them', async () => {
    const all = new Meters();
    all.meter.createCounter('io', { unit: 'By' }).add(1);
    all.meter.createCounter('cpu.time', { unit: 's' }).add(1.5);
    all.meter.createUpDownCounter('memory', { unit: 'By' }).add(1);
    all.meter.createGauge('utilization', { unit: '1' }).record(0.5);
    all.meter.createGauge('rate', { unit: 'By/s' }).record(2);
    all.meter.createHistogram('seconds.slept', { unit: 's' }).record(1);
    all.meter.createHistogram('tokens', { unit: '{token}' }).record(1);
    const families = [...(await all.openMetrics())].map(([name, { type, unit }]) => [name, type, unit]);
    assert.deepEqual(families, [
      ['target', 'info', ''],
      ['io_bytes', 'counter', 'bytes'],
      ['cpu_time_seconds', 'counter', 'seconds'],
      ['memory_bytes', 'gauge', 'bytes'],
      ['utilization_ratio', 'gauge', 'ratio'],
      ['rate_bytes_per_second', 'gauge', 'bytes_per_second'],
      ['seconds_slept', 'histogram', ''],
      ['tokens', 'histogram', ''],
    ]);
  });

  test('quotes, backslashes and line feeds come through in help too', async () => {
    const all = new Meters();
    const description = 'Says "this", \\n \\ and\nthat\\';
    all.meter.createGauge('level', { description }).record(1);
    assert.equal((await all.openMetrics()).get('level')?.help, description);
  });

  test('a counter that is only called total is of an unknown type', async () => {
    const all = new Meters();
    all.meter.createCounter('total').add(3);
    const page = await all.openMetrics();
    assert.equal(page.get('total')?.type, 'unknown');
    assert.equal(total(page, 'total'), 3);
  });

  test('what a counter cannot be is not there', async () => {
    const all = new Meters();
    all.meter.createObservableCounter('observed').addCallback((result) => {
      result.observe(Number.NaN, { kind: 'none' });
      result.observe(2, { kind: 'fine' });
    });
    const samples = (await all.openMetrics()).get('observed')?.samples;
    assert.deepEqual(
      samples?.map(({ labels, value }) => [labels.kind, value]),
      [['fine', 2]],
    );
  });

  test('a histogram with bounds below zero has no sum, and so no count', async () => {
    const all = new Meters();
    const advice = { explicitBucketBoundaries: [-1, 0, 1] };
    all.meter.createHistogram('offset', { advice }).record(0.5);
    const names = (await all.openMetrics()).get('offset')?.samples.map(({ name }) => name);
    assert.deepEqual(new Set(names), new Set(['offset_bucket']));
  });

  test('of families whose samples could be taken for one another the first stays, and the rest is told once', async () => {
    const all = new Meters();
    all.meter.createHistogram('time').record(1);
    all.meter.createCounter('things').add(1);
    const other = all.provider.getMeter('other');
    other.createGauge('time.count').record(1);
    other.createGauge('time.created').record(1);
    other.createGauge('things').record(1);
    other.createCounter('target').add(1);
    other.createGauge('fine').record(1);
    for (let i = 0; i < 2; i += 1) {
      const page = await all.openMetrics();
      assert.deepEqual([...page.keys()], ['target', 'time', 'things', 'fine']);
    }
    assert.deepEqual(all.leftOut, ['time_count', 'time_created', 'things', 'target_total']);
    const classic = await all.classic();
    assert.deepEqual(
      [...classic.keys()],
      ['target_info', 'time', 'things_total', 'time_created', 'things', 'target_total', 'fine'],
    );
    assert.equal(all.leftOut.length, 4, 'told once for all pages');
  });

  test('has room for every metric of ours beside the others', async () => {
    const all = new Meters();
    const instruments = createInstruments(all.meter, all.recorded);
    for (const [key, row] of Object.entries(metric)) {
      const instrument = instruments[key as keyof typeof metric];
      if ('addCallback' in instrument) instrument.addCallback((result) => result.observe(1));
      else if ('record' in instrument) instrument.record(1);
      else if (row.kind !== 'gauge') instrument.add(1);
    }
    assert.equal((await all.openMetrics()).size, Object.keys(metric).length + 1);
    assert.equal((await all.classic()).size, Object.keys(metric).length + 1);
    assert.deepEqual(all.leftOut, []);
  });

  test("has plugins' metrics as well, until they are forgotten", async () => {
    const plugins = new PluginMetrics(2_000);
    const all = new Meters({}, { metricProducers: [plugins.producer()] });
    all.meter.createCounter('ours').add(1);
    plugins.meter('tenant').createCounter('theirs').add(2, { tenant: 'blue' });
    plugins.meter('tenant').createHistogram('their.time', { unit: 's' }).record(2);
    const page = await all.openMetrics();
    assert.equal(total(page, 'theirs_total', { tenant: 'blue' }), 2);
    assert.equal(page.get('their_time_seconds')?.unit, 'seconds');
    plugins.forget('tenant');
    assert.deepEqual([...(await all.openMetrics()).keys()], ['target', 'ours']);
  });
});

describe('exemplars on a page', () => {
  const start = () => {
    const all = new Meters();
    const histogram = all.recorded.histogram(size);
    const record = (value: number, attributes: Attributes, trace = ids) =>
      histogram.series(attributes).record(value, trace);
    return { all, record };
  };

  const found = async (all: Meters) =>
    (await all.openMetrics()).get('size')?.samples.flatMap(({ labels, exemplar }) => {
      return exemplar ? [[labels.le, exemplar.value, exemplar.labels.trace_id]] : [];
    });

  test('stand at the bucket that they fall into, with trace, span and time', async () => {
    const { all, record } = start();
    all.recorded.exemplars.begin();
    const before = Date.now();
    record(10, { kind: 'a' });
    const [sample] = (await all.openMetrics()).get('size')?.samples.filter(({ exemplar }) => exemplar) ?? [];
    assert.deepEqual([sample?.labels, sample?.value], [{ kind: 'a', le: '10.0' }, 1]);
    assert.deepEqual(sample?.exemplar?.labels, { trace_id: ids.traceId, span_id: ids.spanId });
    const at = sample?.exemplar?.at ?? 0;
    assert.ok(at >= (before - 1) / 1_000 && at <= (Date.now() + 1) / 1_000, `${at} is now, in seconds`);
  });

  test('are of their own series, however the labels come to be', async ({ mock }) => {
    mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
    const { all, record } = start();
    all.recorded.exemplars.begin();
    record(0.5, { 'a.b': 'x' }, { ...ids, traceId: '11'.repeat(16) });
    record(100, { 'a.b': 'x' }, { ...ids, traceId: '55'.repeat(16) });
    mock.timers.tick(1);
    record(0.7, { a_b: 'x', empty: '' }, { ...ids, traceId: '22'.repeat(16) });
    record(100, { a_b: 'x' }, { ...ids, traceId: '33'.repeat(16) });
    record(0.5, { a_b: 'y' }, { ...ids, traceId: '44'.repeat(16) });
    mock.timers.tick(1);
    record(200, { 'a.b': 'x' }, { ...ids, traceId: '66'.repeat(16) });
    assert.deepEqual(await found(all), [
      ['1.0', 0.7, '22'.repeat(16)],
      ['+Inf', 200, '66'.repeat(16)],
      ['1.0', 0.5, '44'.repeat(16)],
    ]);
  });

  test('are not on the classic page, and not kept before somebody asks for the other', async () => {
    const { all, record } = start();
    await all.classic();
    record(1, {});
    assert.equal(all.recorded.exemplars.isThere, false);
    assert.deepEqual(await found(all), []);
    record(1, {});
    assert.deepEqual(await found(all), [['1.0', 1, ids.traceId]]);
    assert.doesNotMatch(await all.page.render(), /trace_id/);
  });

  test('of a histogram that others made are told apart by its name alone', async () => {
    const { all, record } = start();
    all.recorded.exemplars.begin();
    record(1, {});
    all.meter.createHistogram('size.other', { advice: { explicitBucketBoundaries: [1, 10] } }).record(1);
    const page = await all.openMetrics();
    assert.ok(page.get('size_other')?.samples.every(({ exemplar }) => exemplar === undefined));
  });
});

describe('a page of anything', () => {
  const scripts = [
    'plain',
    'Zürich',
    '東京',
    '🙂',
    'עברית',
    '\ud800',
    '\udc00x',
    '\u0000',
    '\r',
    '\u2028',
    '"',
    '\\',
    '\n',
    ' ',
    ',',
    '}',
    '{',
    '=',
    '#',
    'e\u0301',
    '\ufeff',
    '# EOF',
    '\\n',
    '1',
    '',
    '_',
    '__',
    '__name__',
    'le',
    'a.b',
    'a-b',
    'a_b',
    '1st',
    'otel.metric.overflow',
  ];
  const units = ['', '1', 's', 'By', 'By/s', '%', '{token}', 'm[H2O]', '/', 'a b', '{x}/s', '🙂'];
  const values = [0, 1, -1, 0.1, 1e-9, 1e21, 123456789.5, Number.POSITIVE_INFINITY, Number.NaN, -0];

  const text = (random: Random) =>
    Array.from({ length: random.integer(1, 3) }, () => random.pick(scripts)).join('');

  function attributesOf(random: Random): Attributes {
    const value = () =>
      random.pick([text(random), random.integer(-5, 5), random.chance(0.5), [text(random)]]);
    return Object.fromEntries(Array.from({ length: random.integer(0, 4) }, () => [text(random), value()]));
  }

  function nameOf(random: Random): string {
    const words = [
      'a',
      'b',
      'total',
      'count',
      'sum',
      'bucket',
      'created',
      'info',
      'target',
      'seconds',
      'ratio',
    ];
    const parts = Array.from({ length: random.integer(1, 3) }, () => random.pick(words));
    return parts.join(random.pick(['.', '_', '-', '/', '..']));
  }

  function measure(all: Meters, random: Random): void {
    const meter = all.provider.getMeter(random.pick(['one', 'two']));
    const name = nameOf(random);
    const options = { unit: random.pick(units), description: text(random) };
    const attributes = attributesOf(random);
    const value = random.pick(values);
    const kind = random.pick(['counter', 'observed', 'gauge', 'up_down', 'histogram', 'histogram'] as const);
    if (kind === 'counter') meter.createCounter(name, options).add(value, attributes);
    if (kind === 'gauge') meter.createGauge(name, options).record(value, attributes);
    if (kind === 'up_down') meter.createUpDownCounter(name, options).add(value, attributes);
    if (kind === 'observed')
      meter.createObservableCounter(name, options).addCallback((result) => result.observe(value, attributes));
    if (kind !== 'histogram') return;
    const buckets = random.pick([[0, 1, 10], [0.00005, 1048576], [-1, 1], []]);
    const advice = { explicitBucketBoundaries: buckets };
    if (random.chance(0.5)) meter.createHistogram(name, { ...options, advice }).record(value, attributes);
    else
      all.recorded
        .histogram({ name, buckets, ...options })
        .series(attributes)
        .record(value, ids);
  }

  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    test(`holds to both formats, and they agree (seed ${seed})`, async () => {
      const random = new Random(seed);
      const all = new Meters({ [text(random)]: text(random), 'service.name': text(random) });
      all.recorded.exemplars.begin();
      for (let i = 0; i < 60; i += 1) measure(all, random);
      const classic = await all.classic();
      const openMetrics = await all.openMetrics();
      const known = new Map(
        [...classic.values()].flatMap(({ samples }) =>
          samples.map(({ name, labels, value }) => [JSON.stringify([name, labels]), value] as const),
        ),
      );
      for (const { samples } of openMetrics.values()) {
        for (const { name, labels, value } of samples)
          assert.deepEqual(
            known.get(JSON.stringify([name, labels])),
            value,
            `${name} ${JSON.stringify(labels)}`,
          );
      }
      assert.ok(openMetrics.size > 10);
    });
  }
});
