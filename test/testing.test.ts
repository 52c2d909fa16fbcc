import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { startWithPlugins } from 'sightline/testing';

const greeter = `
import { definePlugin } from 'sightline';
import { greeting } from '../shared/greeting.ts';
export default definePlugin({
  name: 'greeter',
  version: '1.0.0',
  initialize({ config, meter, registerMiddleware }) {
    const counter = meter.createCounter('greeter.exchanges');
    registerMiddleware({
      name: 'greeter',
      beforeQuery(_query, exchange) {
        counter.add(1, { model: exchange.query?.model ?? '', odd: 'a "b"' });
        exchange.setAttribute('greeting', String(config.greeting ?? greeting));
      },
    });
  },
});
`;
const plugin = (body: string) =>
  `import { definePlugin } from 'sightline';\nexport default definePlugin({ name: 'x', version: '1.0.0',\n${body} });\n`;

describe('startWithPlugins', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sightline-testing-'));
    const files = {
      'team/greeter.plugin.ts': greeter,
      'shared/greeting.ts': `export const greeting: string = 'Hello!';`,
      'syntax.plugin.ts': plugin('initialize( {},'),
      'throws.plugin.ts': plugin(`initialize() {\n  throw new Error('no luck');\n},`),
      'needs.plugin.ts': plugin(`dependencies: { y: '*' }, initialize() {},`),
      'quiet.plugin.ts': plugin('initialize() {},'),
    };
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('runs exactly these plugins, in front of a model, and shows what they left behind', async () => {
    await using sightline = await startWithPlugins({
      plugins: [pathToFileURL(join(folder, 'team/greeter.plugin.ts'))],
      folder,
      config: { greeter: { greeting: 'Servus!' } },
    });
    assert.deepEqual(
      sightline.service.plugins.manager.generation.instances.map(({ name }) => name),
      ['greeter'],
    );
    const whole = await sightline.chat('Tell me more.');
    assert.equal(whole.status, 200);
    assert.ok(whole.text.length > 10 && whole.isComplete);
    assert.deepEqual(whole.events, []);
    const streamed = await sightline.chat('Tell me more.', { stream: true, model: 'gpt-4o-mini' });
    assert.equal(streamed.events.at(-1), '[DONE]');
    assert.ok(streamed.text.length > 10);
    const cut = await sightline.chat('Tell me more.', { stream: true, model: 'sim-truncate-3' });
    assert.equal(cut.isComplete, false);
    assert.ok(cut.text.length > 0);

    const [newest, ...older] = sightline.traces();
    assert.equal(newest?.attributes['sightline.outcome'], 'upstream_truncated');
    assert.equal(newest?.attributes['sightline.tag.greeting'], 'Servus!');
    assert.deepEqual(
      // A middleware has a span of its own where it took long.
      older.map(({ spans }) => spans.map(({ kind }) => kind).filter((kind) => kind !== 'INTERNAL')),
      [
        ['SERVER', 'CLIENT'],
        ['SERVER', 'CLIENT'],
      ],
    );
    assert.equal(await sightline.metric('greeter_exchanges_total'), 3);
    assert.equal(
      await sightline.metric('greeter_exchanges_total', { model: 'gpt-4o-mini', odd: 'a "b"' }),
      1,
    );
    assert.equal(await sightline.metric('greeter_exchanges_total', { model: 'none' }), 0);
    assert.match(await sightline.metrics(), /^# TYPE greeter_exchanges_total counter$/m);
  });

  it('serves tests that run at once', async () => {
    const start = () => startWithPlugins({ plugins: [join(folder, 'quiet.plugin.ts')] });
    const all = await Promise.all([start(), start(), start()]);
    const replies = await Promise.all(all.map((sightline) => sightline.chat('Hi.')));
    assert.deepEqual(
      replies.map(({ status }) => status),
      [200, 200, 200],
    );
    for (const sightline of all) await sightline.stop();
  });

  it('takes other sections of the configuration', async () => {
    await using sightline = await startWithPlugins({
      plugins: [],
      settings: { middleware: [{ 'request-tags': { tags: { team: { header: 'x-team' } } } }] },
    });
    await sightline.chat('Hi.', { headers: { 'x-team': 'blue' } });
    assert.equal(sightline.traces()[0]?.attributes['sightline.tag.team'], 'blue');
  });

  for (const [file, expected] of [
    ['syntax.plugin.ts', /syntax\.plugin\.ts:3:\d+: /],
    ['throws.plugin.ts', /throws\.plugin\.ts:4:\d+: initialize of 'x' failed: no luck/],
    ['needs.plugin.ts', /needs\.plugin\.ts: x 1\.0\.0 needs y \*, and no 'y' is active/],
    ['missing.plugin.ts', /missing\.plugin\.ts: /],
  ] as const) {
    it(`rejects, and says where, when a plugin is not active: ${file}`, async () => {
      const files = [join(folder, 'quiet.plugin.ts'), join(folder, file)];
      await assert.rejects(startWithPlugins({ plugins: files.slice(1) }), expected);
    });
  }

  it('refuses config of a plugin that is not there, which would reach nobody', async () => {
    const options = { plugins: [join(folder, 'quiet.plugin.ts')], config: { x: {}, quiet: {} } };
    await assert.rejects(
      startWithPlugins(options),
      /^SightlineError: config\.quiet is of no plugin here; expected one of x\.$/,
    );
  });

  it('tells the problems of all files at once', async () => {
    const plugins = ['syntax.plugin.ts', 'missing.plugin.ts'].map((file) => join(folder, file));
    await assert.rejects(startWithPlugins({ plugins }), (error: Error) => {
      assert.equal(error.message.split('\n').length, 2);
      return true;
    });
  });

  it('says so where a path takes no WebSockets', async () => {
    await using sightline = await startWithPlugins({
      plugins: [],
      settings: { upstreams: { chat: 'http://127.0.0.1:9' } },
    });
    await assert.rejects(sightline.connect('/nowhere'), /Unexpected server response: 404/);
  });

  it('listens no more once it is stopped, twice too', async () => {
    const sightline = await startWithPlugins({ plugins: [join(folder, 'quiet.plugin.ts')] });
    await sightline.stop();
    await sightline.stop();
    await assert.rejects(fetch(`${sightline.adminUrl}/healthz`));
  });
});
