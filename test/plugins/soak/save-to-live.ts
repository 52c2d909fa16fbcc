import { PluginFolder, startWithFolder } from '../folder.ts';

/** From a save to the first reply of the new version, with the default limits; the median of so many saves, ms. */
export async function saveToLive(saves: number): Promise<{ medianMs: number; maxMs: number }> {
  await using folder = await PluginFolder.create();
  const save = (number: number) =>
    folder.savePlugin(
      'stamp',
      `registerMiddleware({ name: 'stamp', beforeQuery: () => Reply.json(200, { version }) });`,
      `1.0.${number}`,
    );
  await save(0);
  await using service = await startWithFolder(folder, {
    plugins: { watch: true },
    limits: { pluginSettleMs: 150 },
  });
  const body = '{"model":"sim-tokens-2","messages":[{"role":"user","content":"Hello!"}]}';
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  const times: number[] = [];
  for (let i = 1; i <= saves; i += 1) {
    await save(i);
    const saved = performance.now();
    let version = '';
    while (version !== `1.0.${i}`) {
      const response = await fetch(`${service.dataUrl}/v1/chat/completions`, init);
      version = ((await response.json()) as { version: string }).version;
    }
    times.push(performance.now() - saved);
  }
  times.sort((a, b) => a - b);
  const rounded = (index: number) => Math.round(times[index] ?? Number.NaN);
  return { medianMs: rounded(Math.floor(times.length / 2)), maxMs: rounded(times.length - 1) };
}
