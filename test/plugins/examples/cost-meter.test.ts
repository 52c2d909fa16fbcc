import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startBackend } from '../../middleware/proxy.ts';
import { total } from '../../telemetry/prometheus-text.ts';
import { chatReply, chatStream, metricsOf, question, sha256, startExamples } from './examples.ts';

const tenant = { keys: { [sha256('sk-acme')]: 'acme' } };
const prices = {
  'gpt-4': { input: 30, output: 60 },
  'gpt-4o': { input: 2.5, cachedInput: 1.25, output: 10 },
  'gpt-4o-mini': { input: 0.15, output: 0.6 },
  'claude-sonnet-4-5': { input: 3, cachedInput: 0.3, cacheWrite: 3.75, output: 15 },
};
const config = { tenant, 'cost-meter': { prices } };
const headers = { authorization: 'Bearer sk-acme' };

/** What a chat reply of that model with that usage costs, by tenant and name of the price. */
async function metered(model: string, usage: object | undefined, asTenant = true) {
  const body = chatReply('Hello!', { model, ...(usage && { usage }) });
  await using backend = await startBackend({ type: 'application/json', body });
  await using proxy = await startExamples({ config, upstream: backend.url });
  const { id } = await proxy.ask(question, asTenant ? { headers } : {});
  await proxy.endings.of(id);
  return await metricsOf(proxy);
}

/** Sums of decimal fractions are not exact. */
function assertAbout(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is about ${expected}`);
}

describe('the cost meter', () => {
  it('counts the price of input, cached input and output for the tenant', async () => {
    const page = await metered('gpt-4o-2024-08-06', {
      prompt_tokens: 1_000,
      completion_tokens: 200,
      prompt_tokens_details: { cached_tokens: 400 },
    });
    // 600 × 2.50 + 400 × 1.25 + 200 × 10.00 = 1500 + 500 + 2000, for a million tokens each.
    assertAbout(total(page, 'cost_meter_cost_total', { tenant: 'acme', model: 'gpt-4o' }), 0.004);
    assert.equal(total(page, 'cost_meter_unpriced_tokens_total'), 0);
  });

  it('counts what was written to a cache, as Anthropic bills it', async () => {
    const usage = {
      input_tokens: 100,
      cache_creation_input_tokens: 300,
      cache_read_input_tokens: 600,
      output_tokens: 50,
    };
    const content = [{ type: 'text', text: 'Hello!' }];
    const body = JSON.stringify({
      id: 'm',
      type: 'message',
      model: 'claude-sonnet-4-5-20250929',
      content,
      usage,
    });
    await using backend = await startBackend({ type: 'application/json', body });
    await using proxy = await startExamples({ config, upstream: backend.url });
    const query = { ...question, model: 'claude-sonnet-4-5', max_tokens: 100 };
    const { id } = await proxy.ask(query, { path: '/v1/messages', headers: { 'x-api-key': 'sk-acme' } });
    await proxy.endings.of(id);
    // 100 × 3 + 300 × 3.75 + 600 × 0.30 + 50 × 15 = 300 + 1125 + 180 + 750
    const labels = { tenant: 'acme', model: 'claude-sonnet-4-5' };
    assertAbout(total(await metricsOf(proxy), 'cost_meter_cost_total', labels), 0.002355);
  });

  it('takes the price of the longest name that fits, and only at its end or before its version', async () => {
    const usage = { prompt_tokens: 1_000_000, completion_tokens: 0 };
    for (const [model, price, dollars] of [
      ['gpt-4o-mini-2024-07-18', 'gpt-4o-mini', 0.15],
      ['gpt-4o', 'gpt-4o', 2.5],
      ['gpt-4-0613', 'gpt-4', 30],
    ] as const) {
      const page = await metered(model, usage);
      assertAbout(total(page, 'cost_meter_cost_total', { model: price }), dollars);
      assertAbout(total(page, 'cost_meter_cost_total'), dollars);
    }
    const page = await metered('gpt-4.1', usage);
    assert.equal(total(page, 'cost_meter_cost_total'), 0);
  });

  it('counts tokens of models without a price, and exchanges of which no tokens were reported', async () => {
    const unpriced = await metered('gpt-5', { prompt_tokens: 30, completion_tokens: 7 });
    const tokens = (type: string) =>
      total(unpriced, 'cost_meter_unpriced_tokens_total', { tenant: 'acme', type });
    assert.deepEqual([tokens('input'), tokens('output')], [30, 7]);
    assert.equal(total(unpriced, 'cost_meter_cost_total'), 0);

    await using backend = await startBackend({ type: 'text/event-stream', body: chatStream(['Hello!']) });
    await using proxy = await startExamples({ config, upstream: backend.url });
    const { id } = await proxy.ask({ ...question, stream: true }, { headers });
    await proxy.endings.of(id);
    const page = await metricsOf(proxy);
    assert.equal(total(page, 'cost_meter_unreported_exchanges_total', { tenant: 'acme' }), 1);
  });

  it('puts whoever is no tenant down as unknown', async () => {
    const page = await metered('gpt-4o', { prompt_tokens: 1_000_000, completion_tokens: 0 }, false);
    assertAbout(total(page, 'cost_meter_cost_total', { tenant: 'unknown' }), 2.5);
  });

  it('counts nothing of what no model answered', async () => {
    await using proxy = await startExamples({
      config: { ...config, tenant: { ...tenant, unknown: 'refuse' } },
    });
    const refused = await proxy.ask(question);
    const missing = await proxy.ask({ ...question, model: 'sim-status-500' }, { headers });
    for (const { id } of [refused, missing]) await proxy.endings.of(id);
    const names = [...(await metricsOf(proxy)).keys()].filter((name) => name.startsWith('cost_meter'));
    assert.deepEqual(names, []);
  });

  it('stands behind the plugin that it depends on, which stays while it is needed', async () => {
    await using proxy = await startExamples({ config });
    const { plugins } = proxy.service;
    const order = plugins.manager.generation.instances.map(({ name }) => name);
    assert.ok(order.indexOf('tenant') < order.indexOf('cost-meter'));
    await assert.rejects(plugins.unload('tenant'), /'tenant' is needed by cost-meter/);
    await plugins.unload('cost-meter');
    await plugins.unload('tenant');
    const { id, status } = await proxy.ask(question, { headers });
    assert.equal(status, 200);
    await proxy.endings.of(id);
    assert.equal(total(await metricsOf(proxy), 'cost_meter_cost_total'), 0);
  });

  it('goes on counting for the tenant after that was reloaded', async () => {
    await using proxy = await startExamples({ config });
    await proxy.service.plugins.reload('tenant');
    const { id } = await proxy.ask(question, { headers });
    await proxy.endings.of(id);
    assert.ok(total(await metricsOf(proxy), 'cost_meter_cost_total', { tenant: 'acme' }) > 0);
  });
});
