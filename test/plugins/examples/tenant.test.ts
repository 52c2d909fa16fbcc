import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { total } from '../../telemetry/prometheus-text.ts';
import { metricsOf, question, sha256, spanOf, startExamples } from './examples.ts';

const keys = { [sha256('sk-acme')]: 'acme', [sha256('sk-ant-globex').toUpperCase()]: 'globex' };

describe('the tenant plugin', () => {
  it('tags spans and metrics with the tenant of the API key, however the SDK sends it', async () => {
    await using proxy = await startExamples({ config: { tenant: { keys } } });
    const acme = await proxy.ask(question, { headers: { authorization: 'Bearer sk-acme' } });
    const globex = await proxy.ask(question, { headers: { 'x-api-key': 'sk-ant-globex' } });
    const both = { authorization: 'Bearer something-else', 'x-api-key': 'sk-ant-globex' };
    await proxy.ask(question, { headers: both });
    assert.equal((await spanOf(proxy, acme.id))['sightline.tag.tenant'], 'acme');
    assert.equal((await spanOf(proxy, globex.id))['sightline.tag.tenant'], 'globex');
    const page = await metricsOf(proxy);
    const count = (tenant: string) =>
      total(page, 'http_server_request_duration_seconds_count', { sightline_tag_tenant: tenant });
    assert.deepEqual([count('acme'), count('globex')], [1, 2]);
  });

  it('lets unknown keys pass untagged, unless it is to refuse them', async () => {
    await using proxy = await startExamples({ config: { tenant: { keys } } });
    const stranger = await proxy.ask(question, { headers: { authorization: 'Bearer sk-stranger' } });
    assert.equal(stranger.status, 200);
    assert.equal((await spanOf(proxy, stranger.id))['sightline.tag.tenant'], undefined);
  });

  it('refuses strangers with 401 before any upstream is asked', async () => {
    await using proxy = await startExamples({ config: { tenant: { keys, unknown: 'refuse' } } });
    for (const headers of [{}, { authorization: 'Bearer sk-stranger' }, { authorization: 'Basic sk-acme' }]) {
      const refused = await proxy.ask(question, { headers });
      assert.equal(refused.status, 401);
      assert.match(refused.bytes.toString(), /"code":"unauthorized"/);
      assert.equal((await proxy.endings.of(refused.id)).outcome, 'blocked');
    }
    assert.deepEqual(proxy.simulator.journal.entries(), []);
    const known = await proxy.ask(question, { headers: { authorization: 'bearer sk-acme' } });
    assert.equal(known.status, 200);
  });

  it('is inert without configuration', async () => {
    await using proxy = await startExamples({ config: {} });
    const { manager } = proxy.service.plugins;
    const active = manager.generation.instances.map(({ name }) => name);
    assert.deepEqual(active.toSorted(), ['cost-meter', 'guardrail', 'tenant', 'translate']);
    for (const { middleware, hooks, messageTypes } of manager.generation.instances) {
      assert.deepEqual([middleware.length, hooks.length, messageTypes.length], [0, 0, 0]);
    }
  });

  it('is rejected where its config has keys in the place of digests, without telling them', async () => {
    await using proxy = await startExamples({ config: { tenant: { keys: { 'sk-acme': 17 } } } });
    const record = proxy.service.plugins.manager.find('tenant');
    assert.equal(record?.state, 'rejected');
    const { step, message = '' } = record?.newestProblem ?? {};
    assert.equal(step, 'config');
    assert.match(message, /^plugins\.config\.tenant\.keys: expected the SHA-256 digests of API keys/);
    assert.doesNotMatch(message, /sk-acme/);
  });
});
