import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Tally } from '../../src/demo/tally.ts';
import { tenants } from '../../src/demo/tenants.ts';
import { Traffic, type TrafficOptions } from '../../src/demo/traffic.ts';
import type { Visit } from '../../src/demo/visit.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { startService } from '../support/service.ts';

const plugins = fileURLToPath(new URL('../../plugins', import.meta.url));

/** `plugins.config.tenant`: the demo's tenants, by the digests of their keys. */
export const tenantConfig = {
  keys: Object.fromEntries(
    tenants.map(({ name, key }) => [createHash('sha256').update(key).digest('hex'), name]),
  ),
};

const knowsKeys = { plugins: { folder: plugins, watch: false, config: { tenant: tenantConfig } } };

/** A service that knows the demo's tenants, before a quick simulator that still takes its time between tokens. */
export async function startDemoStage(config: Readonly<Record<string, unknown>> = knowsKeys) {
  const simulator = await startSimulator({
    timeToFirstTokenMs: 1,
    tokensPerSecond: 1_000,
    journalMax: 10_000,
  });
  const service = await startService({
    config: {
      upstreams: { default: simulator.url },
      ...config,
    },
  });
  return {
    simulator: simulator as Simulator,
    service,
    async [Symbol.asyncDispose]() {
      await service.stop();
      await simulator.close();
    },
  };
}

/** Each as soon as there is a seat for it. */
export function* atOnce(): Generator<number, never> {
  for (;;) yield 0;
}

/** Sends these visits, and tells what their clients saw. */
export async function sendVisits(
  baseUrl: string,
  visits: Iterable<Visit>,
  options: Partial<TrafficOptions> = {},
): Promise<Tally> {
  const tally = new Tally();
  const traffic = new Traffic({
    baseUrl: new URL(baseUrl),
    visits,
    arrivals: atOnce(),
    concurrencyMax: 24,
    tally,
    ...options,
  });
  await traffic.run(new AbortController().signal);
  return tally;
}
