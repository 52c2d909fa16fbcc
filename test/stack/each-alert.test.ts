import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { ThresholdOverride } from '../../src/alerts/threshold.ts';
import { thresholds } from '../../src/alerts/thresholds.ts';
import { tenants } from '../../src/demo/tenants.ts';
import type { Visit } from '../../src/demo/visit.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { PluginFolder } from '../plugins/folder.ts';
import { missing } from '../support/is-installed.ts';
import { startOtlpSink } from '../support/otlp-sink.ts';
import { AlertScene, nameOf, watchers } from './alert-scene.ts';
import { Authority, startTlsBackend } from './certificates.ts';
import { startLoad } from './load.ts';

const skip = missing(
  ['prometheus', 'prometheus-alertmanager', 'openssl'],
  'whether each alert fires and resolves alike in the process and in Prometheus',
);

/** Short enough for a test, long enough that a scrape that comes late is none the worse. */
const windowMs = 6_000;
const holdMs = 1_000;

/** What traffic, upstreams, plugins and collectors can do. */
const ofTraffic = {
  errors: { limit: 10, windowMs, holdMs: 0 },
  'error-ratio': { limit: 0.15, windowMs, holdMs },
  'first-token': { limit: 750, windowMs, holdMs },
  duration: { limit: 1_000, windowMs, holdMs },
  truncated: { limit: 5, windowMs, holdMs: 0 },
  'telemetry-drops': { limit: 0, windowMs, holdMs: 0 },
  'plugin-rejected': { holdMs },
  'breaker-open': { holdMs: 0 },
  'upstream-unreachable': { holdMs },
  'token-burn': { limit: 200_000, windowMs, holdMs: 0 },
  certificate: { limit: 14, holdMs: 0 },
} as const satisfies Record<string, ThresholdOverride>;

/** What code in the process can do to it. */
const ofProcess = {
  memory: { limit: 500, holdMs },
  // Idle it is 2 %; where many want the machine's cores, a busy loop gets little more than this.
  cpu: { limit: 12, windowMs, holdMs },
  'event-loop-delay': { limit: 150, holdMs },
} as const satisfies Record<string, ThresholdOverride>;

/** What a service goes through, which is over when it is disposed of. */
type Causes = () => Promise<AsyncDisposable>;

/** All of them fire from their causes, are resolved without them, and the two watchers tell the same. */
async function fireAndResolve(scene: AlertScene, names: readonly string[], causes: Causes): Promise<void> {
  const expected = names.toSorted();
  await scene.prometheus.waitForScrape();
  await scene.waitUntilFiring([]);
  {
    await using _causes = await causes();
    await scene.waitUntilTold('firing', expected);
    await scene.waitUntilFiring(expected);
  }
  await scene.waitUntilTold('resolved', expected);
  await scene.waitUntilFiring([]);
  for (const watcher of watchers) {
    assert.deepEqual(scene.told(watcher, 'firing'), expected, `${watcher}: fired`);
    assert.deepEqual(scene.told(watcher, 'resolved'), expected, `${watcher}: resolved`);
  }
}

function* always(model: string, stream = true): Generator<Visit, never> {
  const body = { model, stream, messages: [{ role: 'user', content: 'Hello!' }] };
  const question = { path: '/v1/chat/completions', body };
  for (;;) yield { kind: model, tenant: tenants[0], over: 'http', question };
}

describe('each alert fires from its cause, and is resolved, alike here and there', {
  skip,
  concurrency: true,
}, () => {
  it('every row of the table is looked at', () => {
    const looked = [...Object.keys(ofTraffic), ...Object.keys(ofProcess)].toSorted();
    assert.deepEqual(looked, thresholds.map(({ id }) => id).toSorted());
  });

  it('by traffic, upstreams, plugins and collectors', async () => {
    await using stack = new AsyncDisposableStack();
    const fast = { timeToFirstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY };
    const backend = await startSimulator(fast);
    stack.defer(() => backend.close());
    let spare = await startSimulator(fast);
    stack.defer(() => spare.close());
    const authority = stack.use(await Authority.create());
    const [fresh, old] = [await authority.sign(90), await authority.sign(5)];
    const tls = stack.use(await startTlsBackend(fresh));
    const collector = stack.use(await startOtlpSink());
    const folder = stack.use(await PluginFolder.create());
    const trouble = join(folder.path, 'trouble');
    await folder.savePlugin('fickle', '');
    await folder.savePlugin('shaky', failsWhileThereIs(trouble));

    const scene = stack.use(
      await AlertScene.start({
        overrides: ofTraffic,
        config: {
          upstreams: { default: backend.url, spare: spare.url, tls: tls.url },
          plugins: { folder: folder.path },
        },
        limits: { breakerFailuresMax: 3, breakerOpenMs: 1_000, pluginSweepIntervalMs: 500 },
        env: {
          OTEL_TRACES_EXPORTER: 'otlp',
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
          OTEL_EXPORTER_OTLP_TIMEOUT: '500',
          OTEL_BSP_SCHEDULE_DELAY: '200',
          NODE_EXTRA_CA_CERTS: authority.file,
        },
        scrapeIntervalMs: 500,
      }),
    );
    const load = (model: string, perSecond: number, stream?: boolean) =>
      startLoad(scene.sightline.dataUrl, always(model, stream), perSecond);
    stack.use(load('sim-tokens-2', 20));

    const names = Object.keys(ofTraffic).map((id) => nameOf(id, whose[id]));
    await fireAndResolve(scene, names, async () => {
      const causes = new AsyncDisposableStack();
      causes.use(load('sim-status-500', 10));
      causes.use(load('sim-slow-start-1500', 8));
      causes.use(load('sim-truncate-1', 4));
      causes.use(load('sim-tokens-2000', 4, false));
      collector.mode = 'refuse';
      causes.defer(() => {
        collector.mode = 'ok';
      });
      await folder.save('fickle', 'export default 1 +;');
      causes.defer(() => folder.savePlugin('fickle', ''));
      await writeFile(trouble, '');
      causes.defer(() => rm(trouble));
      spare.killConnections({ stopListening: true });
      causes.defer(async () => {
        spare = await startSimulator({ ...fast, port: spare.port });
      });
      tls.present(old);
      causes.defer(() => tls.present(fresh));
      return causes;
    });
  });

  it('by what a plugin does to the process', async () => {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(await PluginFolder.create());
    const scene = stack.use(
      await AlertScene.start({
        overrides: ofProcess,
        config: { plugins: { folder: folder.path } },
        limits: { pluginSweepIntervalMs: 500 },
        scrapeIntervalMs: 1_000,
      }),
    );
    const names = Object.keys(ofProcess).map((id) => nameOf(id));
    await fireAndResolve(scene, names, async () => {
      const causes = new AsyncDisposableStack();
      for (const [name, body] of Object.entries(burdens)) {
        await folder.savePlugin(name, body);
        causes.defer(() => folder.remove(name));
      }
      return causes;
    });
  });
});

/** About which upstream or plugin an alert is. */
const whose: Readonly<Record<string, string>> = {
  'plugin-rejected': 'fickle',
  'breaker-open': 'shaky',
  'upstream-unreachable': 'spare',
  certificate: 'tls',
};

/** `initialize` of a plugin whose hook needs something that is not there while there is this file. */
function failsWhileThereIs(file: string): string {
  return `
    const { existsSync } = process.getBuiltinModule('node:fs');
    registerHook('exchange.ended', () => {
      if (existsSync(${JSON.stringify(file)})) throw new Error('what it needs is not there');
    });`;
}

/** `initialize` of plugins that are a burden for as long as they are loaded. */
const burdens = {
  hog: `
    const { setFlagsFromString } = process.getBuiltinModule('node:v8');
    setFlagsFromString('--expose-gc');
    const collect = process.getBuiltinModule('node:vm').runInNewContext('gc');
    let held = [Buffer.alloc(600_000_000, 1)];
    context.signal.addEventListener('abort', () => {
      held = [];
      collect();
    });
    return { held: () => held };`,
  // Most of the time, and more than once between two snapshots; what is left is for whoever looks.
  spinner: `
    setInterval(() => {
      const until = performance.now() + 250;
      while (performance.now() < until);
    }, 300);`,
};
