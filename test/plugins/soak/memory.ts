import { startService } from '../../support/service.ts';
import { VersionedPlugins } from './versions.ts';

/*
 * Reloads again and again in a process with a small heap, and prints what is left of each reload. Run by
 * `node --expose-gc --max-old-space-size=64 memory.ts RELOADS`.
 */

const reloads = Number(process.argv[2] ?? 6_000);
/** Caches fill, functions are compiled: what grows afterwards grows for ever. */
const warmUp = Math.min(1_000, Math.floor(reloads / 3));

await main();

async function main(): Promise<void> {
  Object.assign(globalThis, { views: new Map() });
  await using plugins = await VersionedPlugins.create();
  await using service = await startService({
    config: {
      plugins: { folder: plugins.folder, watch: false }, // Kept traces are not what is measured.
      limits: { pluginSettleMs: 1, tracesMax: 1 },
    },
  });
  const headers = { 'content-type': 'application/json' };
  const body = '{"model":"sim-tokens-2","messages":[{"role":"user","content":"Hello!"}]}';
  let atWarmUp = 0;
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
    if (i === warmUp) atWarmUp = await heapBytes();
  }
  const atEnd = await heapBytes();
  const { manager } = service.plugins;
  process.stdout.write(
    `${JSON.stringify({
      reloads,
      generation: manager.generation.number,
      leaks: manager.leaks.length,
      heapMiB: Math.round(atEnd / 1024 / 102.4) / 10,
      bytesPerReload: Math.round((atEnd - atWarmUp) / (reloads - warmUp)),
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
