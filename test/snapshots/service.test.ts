import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { outcomes } from '../../src/exchange/outcome.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { Snapshot } from '../../src/snapshots/snapshot.ts';
import { PluginFolder, startWithFolder } from '../plugins/folder.ts';
import { missing } from '../support/is-installed.ts';
import { Random } from '../support/random.ts';
import { runNode } from '../support/run-process.ts';
import { startService } from '../support/service.ts';
import { total } from '../telemetry/prometheus-text.ts';
import { startStage } from '../telemetry/stage.ts';
import { makeCertificate, serveTls } from '../upstreams/certificate.ts';

/** One that ends so, by what the simulator does with its name. */
const models = {
  'sim-tokens-2': 'completed',
  'sim-status-500': 'upstream_error',
  'sim-truncate-2': 'upstream_truncated',
  'sim-close': 'upstream_unreachable',
} as const;

describe('the snapshots of a service', () => {
  test('add up to what was sent, and to what /metrics shows', async () => {
    await using stage = await startStage();
    const { collector } = stage.service;
    const random = new Random(11);
    const sent = new Map<string, number>();
    const taken: Snapshot[] = [];
    const tokens = { input: 0, output: 0 };
    for (let i = 0; i < 60; i += 1) {
      const model = random.pick(Object.keys(models)) as keyof typeof models;
      const reply = await stage.chat({ model, stream: true, stream_options: { include_usage: true } });
      const usage = /"usage":(\{"prompt_tokens":[^}]*)/.exec(reply.text)?.[1];
      tokens.input += Number(/"prompt_tokens":(\d+)/.exec(usage ?? '')?.[1] ?? 0);
      tokens.output += Number(/"completion_tokens":(\d+)/.exec(usage ?? '')?.[1] ?? 0);
      sent.set(models[model], (sent.get(models[model]) ?? 0) + 1);
      if (random.chance(0.3)) taken.push((await collector.look()) ?? assert.fail());
    }
    taken.push((await collector.look()) ?? assert.fail());
    assert.deepEqual(taken, collector.snapshots);
    const sum = (figure: (one: Snapshot) => number | undefined) =>
      taken.reduce((all, one) => all + (figure(one) ?? 0), 0);
    assert.equal(
      sum(({ exchanges }) => exchanges),
      60,
    );
    for (const outcome of Object.keys(outcomes) as (keyof typeof outcomes)[])
      assert.equal(
        sum((one) => one.outcomes?.[outcome]),
        sent.get(outcome) ?? 0,
        outcome,
      );
    assert.equal(
      sum(({ errors }) => errors),
      60 - (sent.get('completed') ?? 0),
    );
    assert.deepEqual(
      [sum((one) => one.tokens?.input), sum((one) => one.tokens?.output)],
      [tokens.input, tokens.output],
    );
    const page = await stage.page();
    assert.equal(total(page, 'sightline_exchange_outcomes_total'), 60);
    assert.equal(total(page, 'gen_ai_client_token_usage_sum'), tokens.input + tokens.output);
  });

  test('tell what is in flight', async () => {
    const simulator = await startSimulator();
    await using service = await startService({ config: { upstreams: { default: simulator.url } } });
    const abort = new AbortController();
    const body = JSON.stringify({
      model: 'sim-hang-2',
      stream: true,
      messages: [{ role: 'user', content: '' }],
    });
    const headers = { 'content-type': 'application/json' };
    const request = { method: 'POST', headers, body, signal: abort.signal };
    await fetch(`${service.dataUrl}/v1/chat/completions`, request);
    assert.equal((await service.collector.look())?.inFlight, 1);
    abort.abort();
    await service.inFlight.empty();
    const snapshot = await service.collector.look();
    assert.deepEqual([snapshot?.inFlight, snapshot?.outcomes?.client_aborted, snapshot?.errors], [0, 1, 0]);
    await simulator.close();
  });

  test('have none of traffic where telemetry is disabled, and those of the process', async () => {
    await using stage = await startStage({ otel: { OTEL_SDK_DISABLED: 'true' } });
    const { collector } = stage.service;
    await stage.chat({ model: 'sim-tokens-2' });
    const snapshot = (await collector.look()) ?? assert.fail();
    for (const key of [
      'exchanges',
      'errors',
      'outcomes',
      'errorRatio',
      'responseMs',
      'tokens',
      'telemetryDropped',
    ])
      assert.ok(!(key in snapshot), key);
    assert.ok(snapshot.memory.rssMb > 10 && snapshot.memory.heapMb > 1);
    assert.ok((snapshot.cpu?.processPercent ?? 0) > 0);
    assert.deepEqual(snapshot.plugins, { byState: {}, rejected: {}, breakersOpen: {} });
  });

  const skip = missing(['openssl'], 'what certificates look like');
  test('tell which upstreams are there, asked in the background', { skip }, async () => {
    const day = 86_400_000;
    const now = Math.floor(Date.now() / 1_000) * 1_000;
    await using tls = await serveTls(makeCertificate(new Date(now - day), new Date(now + 10 * day)));
    const upstreams = {
      gone: 'http://127.0.0.1:1',
      unasked: { url: 'http://127.0.0.1:1', probe: false },
      secure: tls.url.href,
    };
    await using stage = await startStage({ upstreams, config: { limits: { snapshotIntervalMs: 20 } } });
    const { collector } = stage.service;
    const seen = new Promise<Snapshot>((resolve) => {
      collector.onSnapshot((one) => 'secure' in one.upstreams && resolve(one));
    });
    const { secure, ...others } = (await seen).upstreams;
    assert.deepEqual(others, { default: { up: 1 }, anthropic: { up: 1 }, gone: { up: 0 }, unasked: {} });
    // Nobody knows who signed it.
    assert.equal(secure?.up, 0);
    assert.ok(Math.abs((secure?.certificateDays ?? 0) - 10) < 0.01);
    const page = await stage.page();
    assert.equal(total(page, 'sightline_upstream_up'), 2);
    assert.equal(page.get('sightline_upstream_up')?.samples.length, 4);
    assert.ok(Math.abs(total(page, 'sightline_upstream_certificate_remaining_seconds') - 864_000) < 600);
  });

  test('do not wait for an instrument of a plugin that gives no answer', async () => {
    await using folder = await PluginFolder.create();
    const never = 'addCallback(() => new Promise(() => undefined))';
    await folder.savePlugin('stuck', `context.meter.createObservableGauge('stuck').${never};`);
    await using service = await startWithFolder(folder, { limits: { snapshotIntervalMs: 50 } });
    const snapshot = await new Promise<Snapshot>((resolve) => service.collector.onSnapshot(resolve));
    assert.deepEqual([snapshot.exchanges, snapshot.plugins.byState], [0, { active: 1 }]);
  });

  test('begin by themselves, and neither keep the process alive nor run after its end', async () => {
    const root = new URL('../../', import.meta.url);
    await using child = runNode([
      '--input-type=module',
      '--eval',
      `const { startService } = await import('${new URL('test/support/service.ts', root)}');
      const service = await startService({ config: { limits: { snapshotIntervalMs: 5 } } });
      await new Promise((resolve) => service.collector.onSnapshot(resolve));
      await service.stop();
      const { length } = service.collector.snapshots;
      setTimeout(() => console.log(service.collector.snapshots.length - length), 50);`,
    ]);
    const { code } = await child.waitForExit();
    assert.deepEqual([code, child.stdout], [0, '0\n'], child.stderr);
  });

  test('are there while the service stops', async () => {
    const simulator = await startSimulator();
    const service = await startService({ config: { upstreams: { default: simulator.url } } });
    await service.collector.look();
    const abort = new AbortController();
    const body = JSON.stringify({
      model: 'sim-hang-2',
      stream: true,
      messages: [{ role: 'user', content: '' }],
    });
    const headers = { 'content-type': 'application/json' };
    await fetch(`${service.dataUrl}/v1/chat/completions`, {
      method: 'POST',
      headers,
      body,
      signal: abort.signal,
    });
    const stopped = service.stop();
    const reply = await fetch(`${service.adminUrl}/api/metrics/snapshots`);
    assert.equal(((await reply.json()) as { snapshots: unknown[] }).snapshots.length, 1);
    abort.abort();
    await stopped;
    await simulator.close();
  });
});
