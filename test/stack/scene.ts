import { setTimeout as delay } from 'node:timers/promises';
import { effectiveThresholds } from '../../src/alerts/effective.ts';
import { alertRules } from '../../src/alerts/rules/rules.ts';
import type { ThresholdOverride } from '../../src/alerts/threshold.ts';
import { incidentVisits } from '../../src/demo/incidents.ts';
import { planVisits } from '../../src/demo/mixture.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { tenantConfig } from '../demo/stage.ts';
import { startOtlpSink } from '../support/otlp-sink.ts';
import { Prometheus } from '../support/prometheus.ts';
import { startService } from '../support/service.ts';
import { WebhookSink } from '../support/webhook-sink.ts';
import { Authority, startTlsBackend } from './certificates.ts';
import { provokeIncidents } from './incidents.ts';
import { startLoad } from './load.ts';
import { folderWithExamples, mischief } from './plugins.ts';
import { SightlineProcess } from './sightline-process.ts';

/** So that some alerts fire: of what the demo sends, of the upstream that is not there, of the breaker. */
const overrides: Readonly<Record<string, ThresholdOverride>> = {
  errors: { limit: 0, windowMs: 10_000 },
  'upstream-unreachable': { holdMs: 0 },
};

/** A service to which everything happens that metrics tell of, and a Prometheus that watches it. */
export async function startScene() {
  await using stack = new AsyncDisposableStack();
  const backend = await startSimulator({ timeToFirstTokenMs: 5, tokensPerSecond: 500 });
  stack.defer(() => backend.close());
  const hub = stack.use(await startService({ config: { upstreams: { default: backend.url } } }));
  const authority = stack.use(await Authority.create());
  const tls = stack.use(await startTlsBackend(await authority.sign(90)));
  const spans = stack.use(await startOtlpSink());
  const sink = stack.use(await WebhookSink.start());
  const folder = stack.use(await folderWithExamples());
  for (const [name, body] of Object.entries(mischief)) await folder.savePlugin(name, body);
  await folder.save('broken', 'export default 1 +;');

  const sightline = stack.use(
    await SightlineProcess.start({
      config: {
        upstreams: {
          default: backend.url,
          anthropic: backend.url,
          hub: hub.dataUrl.replace('http', 'ws'),
          tls: tls.url,
          gone: 'http://127.0.0.1:9',
        },
        middleware: ['stream-usage'],
        plugins: {
          folder: folder.path,
          config: {
            tenant: tenantConfig,
            'cost-meter': { prices: { 'gpt-4o': { input: 2.5, cachedInput: 1.25, output: 10 } } },
            guardrail: {
              rules: [
                { name: 'injection', pattern: '(?i:ignore (all )?previous instructions)', action: 'block' },
                { name: 'ticket', pattern: 'T-\\d{6}', action: 'mask' },
              ],
            },
            translate: { model: 'gpt-4o-mini' },
          },
        },
        alerts: { thresholds: overrides, webhooks: [sink.url] },
        limits: {
          snapshotIntervalMs: 500,
          probeIntervalMs: 500,
          breakerOpenMs: 1_000,
          // Less than any reply has: what is beyond is counted as lost.
          chunkGapsMax: 8,
        },
      },
      env: {
        OTEL_TRACES_EXPORTER: 'otlp',
        OTEL_EXPORTER_OTLP_ENDPOINT: spans.url,
        OTEL_BSP_SCHEDULE_DELAY: '200',
        NODE_EXTRA_CA_CERTS: authority.file,
      },
    }),
  );
  const prometheus = stack.use(
    await Prometheus.start({
      targets: [{ job: 'sightline', url: sightline.adminUrl }],
      // All that happens here makes a page of megabytes, and the machine may be busy.
      scrapeIntervalMs: 2_000,
      rules: alertRules(effectiveThresholds(overrides)),
    }),
  );
  // In the middle of an incident, or the first error of a kind would have to be waited for.
  const visits = planVisits({ seed: 11, anthropicPrefix: '/anthropic' }).drop(incidentVisits.from);
  stack.use(startLoad(sightline.dataUrl, visits, 12));
  stack.use(repeat(() => provokeIncidents(sightline.dataUrl)));
  stack.use(
    repeat(async () => {
      await folder.savePlugin('changing', `void ${Date.now()};`);
      await fetch(`${sightline.adminUrl}/api/plugins/leaky/unload`, { method: 'POST' });
      await delay(1_000);
    }),
  );
  const parts = stack.move();
  return { sightline, prometheus, spans, [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose]() };
}

/** Again and again, twice a second at most, until it is disposed of. */
function repeat(action: () => Promise<void>) {
  const stop = new AbortController();
  const running = (async () => {
    while (!stop.signal.aborted) {
      await action();
      await delay(500, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  // Told when it is disposed of.
  running.catch(() => undefined);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}
