import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { CallbackCosts } from '../../src/admin/callback-costs.ts';
import { LabelBounds, other } from '../../src/telemetry/metrics/labels.ts';
import { RecordedMetrics } from '../../src/telemetry/metrics/recorded-metrics.ts';
import { attribute, metric, scope } from '../../src/telemetry/names.ts';

/** Runs of callbacks, measured as the service does it. */
class Runs {
  readonly labels: LabelBounds;
  readonly #recorded: RecordedMetrics;
  readonly #middleware;
  readonly #plugins;

  constructor({ valuesMax = 10, seriesMax = 100 } = {}) {
    this.labels = new LabelBounds(valuesMax);
    this.#recorded = new RecordedMetrics(scope, seriesMax);
    this.#middleware = this.#recorded.histogram(metric.middlewareDuration);
    this.#plugins = this.#recorded.histogram(metric.pluginDuration);
  }

  /** Without `isOfPlugin` of the configuration. */
  middleware(name: string, phase: string, ms: number, { isOfPlugin = false, error = '' } = {}): void {
    const label = isOfPlugin ? this.labels.bound(attribute.middleware, name) : name;
    const attributes: Attributes = { [attribute.middleware]: label, [attribute.phase]: phase };
    if (error) attributes[attribute.errorType] = error;
    this.#middleware.record(ms / 1_000, attributes);
  }

  plugin(
    name: string,
    point: string,
    ms: number,
    { version = '1.0.0', kind = 'hook', error = '' } = {},
  ): void {
    const attributes: Attributes = {
      [attribute.plugin]: this.labels.bound(attribute.plugin, name),
      [attribute.pluginVersion]: this.labels.bound(attribute.pluginVersion, version),
      [attribute.pluginKind]: kind,
      [attribute.pluginPoint]: point,
    };
    if (error) attributes[attribute.errorType] = error;
    this.#plugins.record(ms / 1_000, attributes);
  }

  async costs(): Promise<CallbackCosts> {
    const { resourceMetrics } = await this.#recorded.producer().collect();
    return new CallbackCosts(resourceMetrics, this.labels);
  }
}

const rounded = (cost: object | undefined) =>
  cost && Object.fromEntries(Object.entries(cost).map(([key, n]) => [key, Number(n.toFixed(6))]));

describe('what a middleware has cost', () => {
  test('is told by phase: calls, time, and the percentile that Prometheus estimates', async () => {
    const runs = new Runs();
    for (const ms of [1.5, 2, 2.5, 3, 4]) runs.middleware('redact', 'before_query', ms);
    runs.middleware('redact', 'on_chunk', 20);
    runs.middleware('tags', 'before_query', 0.01);
    const costs = await runs.costs();
    // Buckets end at 1, 2.5 and 5 ms; of five runs the 4.75th lies in the last one.
    const p95Ms = 2.5 + 2.5 * ((4.75 - 3) / 2);
    assert.deepEqual(rounded(costs.ofMiddleware('redact', false, 'before_query')), {
      calls: 5,
      totalMs: 13,
      p95Ms: Number(p95Ms.toFixed(6)),
      errors: 0,
    });
    assert.equal(costs.ofMiddleware('redact', false, 'on_chunk')?.totalMs, 20);
    assert.equal(costs.ofMiddleware('tags', false, 'before_query')?.calls, 1);
  });

  test('is absent where it never ran', async () => {
    const costs = await new Runs().costs();
    assert.equal(costs.ofMiddleware('redact', false, 'before_query'), undefined);
    const runs = new Runs();
    runs.middleware('redact', 'before_query', 1, { isOfPlugin: true });
    assert.equal((await runs.costs()).ofMiddleware('redact', true, 'on_error'), undefined);
  });

  test('includes runs that failed, which a refusal is not', async () => {
    const runs = new Runs();
    runs.middleware('guard', 'before_query', 1);
    for (const error of ['middleware_failed', 'middleware_failed', 'internal', 'blocked', 'malformed_json'])
      runs.middleware('guard', 'before_query', 1, { error });
    const { calls, errors } = (await runs.costs()).ofMiddleware('guard', false, 'before_query') ?? {};
    assert.deepEqual({ calls, errors }, { calls: 6, errors: 3 });
  });

  test('is not known of one that the metrics do not tell from others', async () => {
    const runs = new Runs({ valuesMax: 1 });
    runs.middleware('first', 'before_query', 1, { isOfPlugin: true });
    runs.middleware('second', 'before_query', 10, { isOfPlugin: true });
    runs.middleware(other, 'before_query', 100, { isOfPlugin: true });
    runs.middleware('configured', 'before_query', 3);
    const costs = await runs.costs();
    assert.equal(costs.ofMiddleware('first', true, 'before_query')?.totalMs, 1);
    assert.equal(costs.ofMiddleware('second', true, 'before_query'), undefined);
    assert.equal(costs.ofMiddleware(other, true, 'before_query'), undefined);
    assert.equal(costs.ofMiddleware(other, false, 'before_query'), undefined);
    assert.equal(costs.ofMiddleware('configured', false, 'before_query')?.totalMs, 3);
  });

  test('is not known of any where some found no room in the metric', async () => {
    const runs = new Runs({ seriesMax: 3 });
    runs.middleware('one', 'before_query', 1);
    runs.middleware('two', 'before_query', 1);
    assert.equal((await runs.costs()).ofMiddleware('one', false, 'before_query')?.calls, 1);
    runs.middleware('one', 'before_query', 1, { error: 'internal' });
    assert.equal((await runs.costs()).ofMiddleware('one', false, 'before_query'), undefined);
  });
});

describe("what a plugin's callbacks at a hook point have cost", () => {
  test('is told over all of its versions, and of nothing else that it runs', async () => {
    const runs = new Runs();
    runs.plugin('meter', 'exchange.ended', 1);
    runs.plugin('meter', 'exchange.ended', 2, { version: '2.0.0' });
    runs.plugin('meter', 'exchange.ended', 4, { error: 'timed_out' });
    runs.plugin('meter', 'exchange.ended', 100, { kind: 'message' });
    runs.plugin('meter', 'query.ready', 100);
    runs.plugin('others', 'exchange.ended', 100);
    const { p95Ms, ...cost } = rounded((await runs.costs()).ofHooks('meter', 'exchange.ended')) ?? {};
    assert.deepEqual(cost, { calls: 3, totalMs: 7, errors: 1 });
    assert.ok(p95Ms !== undefined && p95Ms > 2.5 && p95Ms <= 5);
    assert.equal((await runs.costs()).ofHooks('meter', 'reply.head'), undefined);
  });

  test('is not known of a plugin that the metrics do not tell from others', async () => {
    const runs = new Runs({ valuesMax: 1 });
    runs.plugin('first', 'reply.head', 1);
    runs.plugin('second', 'reply.head', 1);
    runs.plugin('first', 'reply.head', 1, { version: '9.0.0' });
    const costs = await runs.costs();
    assert.equal(costs.ofHooks('first', 'reply.head')?.calls, 2);
    assert.equal(costs.ofHooks('second', 'reply.head'), undefined);
  });

  test('is not known of any where some found no room in the metric', async () => {
    const runs = new Runs({ seriesMax: 2 });
    runs.plugin('first', 'reply.head', 1);
    assert.equal((await runs.costs()).ofHooks('first', 'reply.head')?.calls, 1);
    runs.plugin('second', 'reply.head', 1);
    assert.equal((await runs.costs()).ofHooks('first', 'reply.head'), undefined);
  });
});
