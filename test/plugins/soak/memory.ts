import { startService } from '../../support/service.ts';
import { VersionedPlugins } from './versions.ts';

/*
 * Reloads again and again in a process with a small heap, and prints what is left of each reload. Run by
 * `node --expose-gc --max-old-space-size=64 --max-semi-space-size=8 memory.ts RELOADS`: by default the young
 * generation would have more than all the rest, and V8 would do nothing but collect.
 */

const reloads = Number(process.argv[2] ?? 6_000);
/** Caches fill, functions are compiled: what grows afterwards grows for ever. */
const warmUp = Math.min(1_000, Math.floor(reloads / 3));
/** Into so many parts the rest is divided. */
const looks = 4;

await main();

async function main(): Promise<void> {
  Object.assign(globalThis, { views: new Map() });
  await using plugins = await VersionedPlugins.create();
  await using service = await startService({
    config: {
      plugins: { folder: plugins.folder, watch: false }, // Kept traces are not what is measured.
      limits: { pluginSettleMs: 1, tracesMax: 1, troubledTracesMax: 1 },
    },
  });
  const headers = { 'content-type': 'application/json' };
  const body = '{"model":"sim-tokens-2","messages":[{"role":"user","content":"Hello!"}]}';
  const heaps: number[] = [];
  const looksEach = Math.floor((reloads - warmUp) / looks);
  for (let i = 1; i <= reloads; i += 1) {
    await plugins.write(i);
    await service.plugins.scan();
    if (i % 10 === 0) {
      const response = await fetch(`${service.dataUrl}/v1/chat/completions`, {
        method: 'POST',
        headers,
        body,
      });
      await response.arrayBuffer();
    }
    if (i >= warmUp && (i - warmUp) % looksEach === 0) heaps.push(await heapBytes());
  }
  const [atWarmUp = 0] = heaps;
  const atEnd = heaps.at(-1) ?? 0;
  const growths = heaps.slice(1).map((heap, i) => (heap - (heaps[i] ?? 0)) / looksEach);
  const { manager } = service.plugins;
  process.stdout.write(
    `${JSON.stringify({
      reloads,
      generation: manager.generation.number,
      leaks: manager.leaks.length,
      heapMiB: Math.round(atEnd / 1024 / 102.4) / 10,
      bytesPerReload: Math.round((atEnd - atWarmUp) / (reloads - warmUp)),
      // A leak is in each part; a cache that fills, or code that is compiled, only in one.
      leastBytesPerReload: Math.round(Math.min(...growths)),
    })}\n`,
  );
}

/** The least of several looks: what is on its way to be freed is not what is left. */
async function heapBytes(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 8; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    globalThis.gc?.();
    least = Math.min(least, process.memoryUsage().heapUsed);
  }
  return least;
}
