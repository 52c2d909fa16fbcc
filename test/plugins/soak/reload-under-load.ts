import { join } from 'node:path';
import type { Service } from '../../../src/service.ts';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { startService } from '../../support/service.ts';
import { VersionedPlugins } from './versions.ts';

export interface LoadOptions {
  readonly reloads: number;
  readonly broken: number;
  readonly clients: number;
}

export interface LoadReport {
  readonly requests: number;
  /** Requests that did not come back as they should, at most ten of them. */
  readonly failures: readonly string[];
  readonly exchanges: number;
  /** Exchanges whose callbacks were not all of one generation. */
  readonly mixed: number;
  /** Exchanges that ended otherwise than `completed`. */
  readonly incomplete: number;
  readonly reloads: number;
  readonly rejections: number;
  /** Rejections that did not tell the file and the line of the fault. */
  readonly misplaced: readonly string[];
  readonly generationsLeft: number;
}

/** Clients ask all the time, streams and whole replies in turn, while plugins are replaced under them. */
export async function reloadUnderLoad({ reloads, broken, clients }: LoadOptions): Promise<LoadReport> {
  const views = new Map<string, Set<number>>();
  Object.assign(globalThis, { views });
  await using plugins = await VersionedPlugins.create();
  await using cleanup = new AsyncDisposableStack();
  const backend = await startSimulator({ timeToFirstTokenMs: 1, tokensPerSecond: 2_000 });
  cleanup.defer(() => backend.close());
  await using service = await startService({
    config: {
      upstreams: { default: backend.url },
      plugins: { folder: plugins.folder, watch: false },
      limits: { pluginSettleMs: 1 },
    },
  });
  const watched = watch(service, views);
  const load = new Load(service.dataUrl, clients);
  const file = join(plugins.folder, 'first.plugin.ts');
  let misplaced: string[] = [];
  const total = reloads + broken;
  for (let i = 1, done = 0; i <= total; i += 1) {
    const isBroken = Math.floor((i * broken) / total) > Math.floor(((i - 1) * broken) / total);
    const before = watched.places.length;
    const line = isBroken ? await plugins.writeBroken(i) : await plugins.write(i);
    await service.plugins.scan();
    if (isBroken) {
      const places = watched.places.slice(before);
      if (places.length !== 1 || places[0] !== `${file}:${line}`) {
        misplaced = [...misplaced, `${places.join()} instead of ${file}:${line}`];
      }
    } else done += 1;
    if (done > 0 && load.failures.length > 0) break;
  }
  await load.stop();
  await service.inFlight.empty();
  const { manager } = service.plugins;
  while (manager.draining.length > 0) await new Promise((resolve) => setImmediate(resolve));
  return {
    requests: load.requests,
    failures: load.failures.slice(0, 10),
    exchanges: watched.exchanges,
    mixed: watched.mixed,
    incomplete: watched.incomplete,
    reloads: watched.reloads,
    rejections: watched.places.length,
    misplaced,
    generationsLeft: manager.draining.length,
  };
}

/** Counts by hooks of the service itself, which run after those of the plugins. */
function watch(service: Service, views: Map<string, Set<number>>) {
  const watched = { exchanges: 0, mixed: 0, incomplete: 0, reloads: 0, places: [] as string[] };
  service.hooks.registerHook(
    'exchange.ended',
    ({ exchange }) => {
      watched.exchanges += 1;
      if (exchange.outcome !== 'completed') watched.incomplete += 1;
      if (views.get(exchange.id)?.size !== 1) watched.mixed += 1;
      views.delete(exchange.id);
    },
    { priority: 0 },
  );
  service.hooks.registerHook('plugin.reloaded', ({ plugin }) => {
    if (plugin === 'first') watched.reloads += 1;
  });
  service.hooks.registerHook('plugin.rejected', ({ problem }) => {
    watched.places.push(`${problem.place?.file}:${problem.place?.line}`);
  });
  return watched;
}

/** Every eighth one is a stream that lives through many reloads. */
function queryOf(number: number): { readonly model: string; readonly stream: boolean } {
  if (number % 8 === 0) return { model: 'sim-slow-token-20', stream: true };
  return { model: 'gpt-4o', stream: number % 2 === 0 };
}

class Load {
  requests = 0;
  readonly failures: string[] = [];
  readonly #url: string;
  readonly #clients: Promise<void>[];
  #isOver = false;

  constructor(url: string, clients: number) {
    this.#url = `${url}/v1/chat/completions`;
    this.#clients = Array.from({ length: clients }, () => this.#client());
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #client(): Promise<void> {
    while (!this.#isOver) {
      this.requests += 1;
      const failure = await this.#ask(queryOf(this.requests)).catch(String);
      if (failure !== undefined) this.failures.push(failure);
    }
  }

  async #ask(query: ReturnType<typeof queryOf>): Promise<string | undefined> {
    const body = JSON.stringify({ ...query, messages: [{ role: 'user', content: 'Tell me of Zürich.' }] });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(this.#url, { method: 'POST', headers, body });
    const text = await response.text();
    const isWhole = query.stream ? text.endsWith('data: [DONE]\n\n') : text.endsWith('}');
    return response.status === 200 && isWhole ? undefined : `${response.status} ${text.slice(-200)}`;
  }
}
