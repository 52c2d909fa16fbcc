import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import type { HookPoint } from '../../src/hooks/points.ts';
import type { Service } from '../../src/service.ts';
import { readToEnd, readUntil, sendChat } from '../support/chat-client.ts';
import { PluginFolder, startWithFolder } from './folder.ts';

async function ask(service: Service, { stream = false, model = 'sim-tokens-2', headers = {} } = {}) {
  const response = await fetch(`${service.dataUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hello!' }] }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

function next(service: Service, point: HookPoint): Promise<unknown> {
  return new Promise((resolve) => {
    const remove = service.hooks.registerHook(point, (payload) => {
      remove();
      resolve(payload);
    });
  });
}

async function admin(service: Service, path: string, init: RequestInit = {}) {
  const response = await fetch(`${service.adminUrl}${path}`, init);
  return { status: response.status, body: (await response.json()) as Described };
}

/** What the tests look at of `/api/plugins` and of errors. */
interface Described {
  readonly plugins: readonly [DescribedPlugin, ...DescribedPlugin[]];
  readonly error: { readonly message: string };
}

interface DescribedPlugin {
  readonly name: string;
  readonly version: string;
  readonly state: string;
  readonly file: string;
  readonly middleware: readonly [{ readonly breaker: string }];
  readonly rejected: { readonly line: number };
}

/** Resolves when the old generations have been let go of. */
async function drained(service: Service): Promise<void> {
  while (service.plugins.manager.draining.length > 0) await new Promise((resolve) => setImmediate(resolve));
}

/** The values of a metric's lines on the page, by their labels. */
async function metric(service: Service, name: string): Promise<string[]> {
  const page = await (await fetch(`${service.adminUrl}/metrics`)).text();
  return page.split('\n').filter((line) => line.startsWith(name));
}

const stamp = `
    registerMiddleware({ name: context.name,
      onChunk(chunk) { return chunk.payload?.choices?.length ? chunk.with({ data: JSON.stringify({ ...chunk.payload, by: version }) }) : undefined; },
      afterResponse(reply) { return reply.isSent ? undefined : reply.with({ payload: { ...reply.payload, by: version } }); },
    });`;

describe('a plugin in a folder', () => {
  it('changes exchanges, and a new version changes those that begin after it', async () => {
    await using folder = await PluginFolder.create();
    await folder.savePlugin('stamp', stamp);
    await using service = await startWithFolder(folder);
    assert.equal(JSON.parse((await ask(service)).text).by, '1.0.0');
    await folder.savePlugin('stamp', stamp, '1.1.0');
    await service.plugins.scan();
    assert.equal(JSON.parse((await ask(service)).text).by, '1.1.0');
    await folder.remove('stamp');
    await service.plugins.scan();
    assert.equal(JSON.parse((await ask(service)).text).by, undefined);
  });

  it('leaves an exchange to the version that it began with, to its end', async () => {
    await using folder = await PluginFolder.create();
    await folder.savePlugin('stamp', stamp);
    await using service = await startWithFolder(folder);
    const response = await sendChat(service, 'old', 'sim-slow-token-5').head;
    const begun = await readUntil(response, '"by":"1.0.0"');
    await folder.savePlugin('stamp', stamp, '2.0.0');
    await service.plugins.scan();
    const { plugins } = (await admin(service, '/api/plugins')).body;
    assert.equal(plugins[0].version, '2.0.0');
    assert.equal(service.plugins.manager.draining[0]?.leases, 1);
    const { text, isClean } = await readToEnd(response);
    assert.ok(isClean);
    assert.doesNotMatch(begun + text, /2\.0\.0/);
    assert.match(text, /"by":"1\.0\.0"/);
    await drained(service);
  });

  it('is live after a save, without being asked to look', async () => {
    await using folder = await PluginFolder.create();
    await folder.savePlugin('stamp', stamp);
    await using service = await startWithFolder(folder, { plugins: { watch: true } });
    const reloaded = next(service, 'plugin.reloaded');
    await folder.savePlugin('stamp', stamp, '1.0.1');
    await reloaded;
    assert.equal(JSON.parse((await ask(service)).text).by, '1.0.1');
  });

  it('shares singletons with the service: its classes are the same', async () => {
    await using folder = await PluginFolder.create();
    const body = `
    const key = createKey('k');
    registerMiddleware({ name: 'answers', beforeQuery(query, exchange) {
      if (!(query instanceof Query)) throw new Error('another Query');
      exchange.set(key, 1);
      if (exchange.header('x-refuse')) throw new SightlineError('blocked', { message: 'Not today.' });
      return Reply.json(200, { own: exchange.get(key) });
    } });`;
    await folder.savePlugin('answers', body);
    await using service = await startWithFolder(folder);
    assert.deepEqual(JSON.parse((await ask(service)).text), { own: 1 });
    const refused = await ask(service, { headers: { 'x-refuse': '1' } });
    assert.deepEqual([refused.status, JSON.parse(refused.text).error.message], [403, 'Not today.']);
  });
});

describe('a plugin that fails', () => {
  const throwing = (onFailure: string) => `
    registerMiddleware({ name: 'broken', onFailure: '${onFailure}', beforeQuery() {
      throw new Error('no luck');
    } });`;

  it('is named on the span with version, file and line of its source, and tells the client neither', async () => {
    await using folder = await PluginFolder.create();
    await folder.savePlugin('broken', throwing('fail'));
    await using service = await startWithFolder(folder);
    const { status, text } = await ask(service);
    assert.equal(status, 500);
    assert.doesNotMatch(text, /plugin\.ts|no luck/);
    const { traceId = '' } = service.telemetry.traces.list(1)[0] ?? {};
    const spans = service.telemetry.traces.get(traceId)?.spans ?? [];
    const span = spans.find((one) => one.name === 'middleware broken before_query');
    assert.equal(span?.attributes['sightline.plugin'], 'broken');
    assert.equal(span?.attributes['sightline.plugin.version'], '1.0.0');
    assert.match(JSON.stringify(span), new RegExp(`${folder.file('broken')}:9:`));
  });

  it('fails closed while its breaker is open, without being called, and tries again afterwards', async () => {
    await using folder = await PluginFolder.create();
    const state = { isBroken: true, calls: 0 };
    Object.assign(globalThis, { breakerTest: state });
    await folder.savePlugin(
      'broken',
      `registerMiddleware({ name: 'broken', beforeQuery() { globalThis.breakerTest.calls += 1; if (globalThis.breakerTest.isBroken) throw new Error('no'); } });`,
    );
    await using service = await startWithFolder(folder, { limits: { breakerOpenMs: 200 } });
    for (let i = 0; i < 5; i += 1) assert.equal((await ask(service)).status, 500);
    const refused = await ask(service);
    assert.equal(refused.status, 503);
    assert.equal(JSON.parse(refused.text).error.code, 'breaker_open');
    assert.equal(state.calls, 5);
    const [shown] = (await admin(service, '/api/plugins')).body.plugins;
    assert.equal(shown.middleware[0].breaker, 'open');
    assert.deepEqual(await metric(service, 'sightline_plugin_breakers_open{'), [
      'sightline_plugin_breakers_open{sightline_plugin="broken"} 1',
    ]);
    state.isBroken = false;
    // Open for 200 ms: what asks before is refused, what asks after is the trial.
    let status = 503;
    while (status === 503) status = (await ask(service)).status;
    assert.equal(status, 200);
    assert.deepEqual(await metric(service, 'sightline_plugin_breakers_open{'), [
      'sightline_plugin_breakers_open{sightline_plugin="broken"} 0',
    ]);
  });

  it('is passed over where it says so, and left out altogether while its breaker is open', async () => {
    await using folder = await PluginFolder.create();
    await folder.savePlugin('broken', throwing('continue'));
    await using service = await startWithFolder(folder);
    for (let i = 0; i < 8; i += 1) assert.equal((await ask(service)).status, 200);
    const counted = await metric(
      service,
      'sightline_plugin_duration_seconds_count{error_type="middleware_failed"',
    );
    assert.equal(counted[0]?.split(' ').at(-1), '5');
  });

  it('a new version begins with a closed breaker', async () => {
    await using folder = await PluginFolder.create();
    await folder.savePlugin('broken', throwing('fail'));
    await using service = await startWithFolder(folder);
    for (let i = 0; i < 6; i += 1) await ask(service);
    await folder.savePlugin('broken', stamp, '1.0.1');
    await service.plugins.scan();
    assert.equal((await ask(service)).status, 200);
    assert.deepEqual(await metric(service, 'sightline_plugin_breakers_open{'), [
      'sightline_plugin_breakers_open{sightline_plugin="broken"} 0',
    ]);
  });

  it('keeps no service from starting, but where the configuration requires it', async () => {
    await using folder = await PluginFolder.create();
    await folder.savePlugin('guard', `throw new Error('no rules');`);
    await using service = await startWithFolder(folder);
    assert.equal((await ask(service)).status, 200);
    await assert.rejects(
      startWithFolder(folder, { plugins: { required: ['guard'] } }),
      /The required plugin 'guard' is not active: initialize of 'guard' failed: no rules/,
    );
    await assert.rejects(
      startWithFolder(folder, { plugins: { required: ['nobody'] } }),
      /The required plugin 'nobody' is not active: no file in .* declares 'nobody'$/,
    );
  });
});

describe('the admin plane', () => {
  it('shows plugins, and reloads and unloads them', async () => {
    await using folder = await PluginFolder.create();
    await folder.savePlugin('stamp', stamp);
    await using service = await startWithFolder(folder);
    const post = (path: string, headers = {}) => admin(service, path, { method: 'POST', headers });
    const [shown] = (await admin(service, '/api/plugins')).body.plugins;
    assert.deepEqual(
      [shown.name, shown.version, shown.state, shown.file],
      ['stamp', '1.0.0', 'active', folder.file('stamp')],
    );
    assert.deepEqual(shown.middleware, [
      { name: 'stamp', priority: 50, onFailure: 'fail', breaker: 'closed' },
    ]);
    assert.equal((await post('/api/plugins/stamp/unload')).status, 200);
    await drained(service);
    assert.equal((await admin(service, '/api/plugins')).body.plugins[0].state, 'unloaded');
    assert.equal((await post('/api/plugins/stamp/unload')).status, 404);
    assert.equal((await post('/api/plugins/stamp/reload')).body.plugins[0].state, 'active');
    await folder.savePlugin('stamp', 'const = 1;', '1.1.0');
    const refused = await post('/api/plugins/stamp/reload');
    assert.equal(refused.status, 422);
    assert.match(refused.body.error.message, new RegExp(`^${folder.file('stamp')}:7:7: `));
    const [after] = (await admin(service, '/api/plugins')).body.plugins;
    assert.deepEqual([after.version, after.state, after.rejected.line], ['1.0.0', 'active', 7]);
    await folder.savePlugin('stamp', stamp, '1.2.0');
    assert.equal((await post('/api/plugins/reload')).body.plugins[0].version, '1.2.0');
    assert.equal((await post('/api/plugins/nobody/reload')).status, 404);
  });

  it('tries again what is not active when it is told to look', async () => {
    await using folder = await PluginFolder.create();
    const state = { isDown: true };
    Object.assign(globalThis, { reloadTest: state });
    await folder.savePlugin('late', `if (globalThis.reloadTest.isDown) throw new Error('down');`);
    await folder.save('early', 'throw new Error("not yet");');
    await using service = await startWithFolder(folder);
    const post = (path: string) => admin(service, path, { method: 'POST' });
    // By the name of its file, as it has told no other.
    assert.match((await post('/api/plugins/early/reload')).body.error.message, /not yet/);
    state.isDown = false;
    const { plugins } = (await post('/api/plugins/reload')).body;
    assert.deepEqual(
      plugins.map((one) => one.state),
      ['rejected', 'active'],
    );
  });

  it('takes no changes from pages of other origins', async () => {
    await using folder = await PluginFolder.create();
    await using service = await startWithFolder(folder);
    const post = async (headers: Record<string, string>) =>
      (await admin(service, '/api/plugins/reload', { method: 'POST', headers })).status;
    assert.equal(await post({ origin: 'https://evil.example' }), 403);
    assert.equal(await post({ 'sec-fetch-site': 'cross-site' }), 403);
    assert.equal(await post({ origin: service.adminUrl, 'sec-fetch-site': 'same-origin' }), 200);
    assert.equal(await post({}), 200);
  });

  it('counts states and changes', async () => {
    await using folder = await PluginFolder.create();
    await folder.savePlugin('stamp', stamp);
    await folder.savePlugin('bad', 'const = 1;');
    await using service = await startWithFolder(folder);
    await service.plugins.reload('stamp');
    const counts = await metric(service, 'sightline_plugins{');
    assert.ok(counts.includes('sightline_plugins{sightline_plugin_state="active"} 1'), counts.join('\n'));
    assert.ok(counts.includes('sightline_plugins{sightline_plugin_state="rejected"} 1'), counts.join('\n'));
    const changes = (await metric(service, 'sightline_plugin_changes_total{')).join('\n');
    assert.match(changes, /change="loaded"\} 1/);
    assert.match(changes, /change="reloaded"\} 1/);
    assert.match(changes, /change="rejected"\} 1/);
  });
});

describe("a plugin's own telemetry", () => {
  it('is spans below the exchange, and metrics that end with the plugin', async () => {
    await using folder = await PluginFolder.create();
    const body = `
    context.meter.createObservableGauge('own.gauge').addCallback((result) => result.observe(7));
    registerMiddleware({ name: 'own', beforeQuery(query, exchange) {
      context.tracer.startSpan('look up', {}, exchange.context).end();
    } });`;
    await folder.savePlugin('own', body);
    await using service = await startWithFolder(folder);
    await ask(service);
    const { traceId = '' } = service.telemetry.traces.list(1)[0] ?? {};
    const spans = service.telemetry.traces.get(traceId)?.spans ?? [];
    const server = spans.find((span) => span.kind === 'SERVER');
    assert.equal(spans.find((span) => span.name === 'look up')?.parentSpanId, server?.spanId);
    assert.deepEqual(await metric(service, 'own_gauge'), ['own_gauge 7']);
    await service.plugins.unload('own');
    await drained(service);
    assert.deepEqual(await metric(service, 'own_gauge'), []);
  });
});

it('stops with everything cleaned up, also while a plugin hangs in its cleanup', async () => {
  await using folder = await PluginFolder.create();
  await folder.save(
    'hangs',
    `import { definePlugin } from 'sightline';
    export default definePlugin({ name: 'hangs', version: '1.0.0', initialize() { setInterval(() => undefined, 10); }, cleanup: () => new Promise(() => undefined) });`,
  );
  const service = await startWithFolder(folder, { limits: { pluginCleanupTimeoutMs: 20 } });
  const ended = once(sendChat(service, 'last', 'gpt-4o').request, 'close');
  await ended;
  await service.stop();
});
