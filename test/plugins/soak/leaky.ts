import { PluginFolder, startWithFolder } from '../folder.ts';

/*
 * Plugins that leave something behind, and some that do not, are unloaded; prints which of them are reported.
 * Run by `node --expose-gc leaky.ts`.
 */

const leftBehind = {
  interval: 'globalThis.setInterval(() => context.version, 1_000).unref();',
  listener: `process.on('SIGUSR2', () => context.log.info('usr2'));`,
  entry: '(globalThis.shared ??= []).push(() => version);',
  // Of these nothing is left.
  nothing: '',
  timers: 'setInterval(() => version, 10); setTimeout(() => version, 60_000);',
  gauge: `context.meter.createObservableGauge('g').addCallback((result) => result.observe(version.length));`,
  middleware: `registerMiddleware({ name: 'm', beforeQuery() { return undefined; }, afterResponse() { return undefined; } });`,
  signal: `const timer = globalThis.setInterval(() => version, 10); context.signal.addEventListener('abort', () => clearInterval(timer));`,
};

await main();

async function main(): Promise<void> {
  await using folder = await PluginFolder.create();
  for (const [name, body] of Object.entries(leftBehind)) await folder.savePlugin(name, body);
  await using service = await startWithFolder(folder);
  const { manager } = service.plugins;
  const response = await fetch(`${service.dataUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"model":"sim-tokens-2","messages":[{"role":"user","content":"Hello!"}]}',
  });
  await response.arrayBuffer();
  for (const name of Object.keys(leftBehind)) await service.plugins.unload(name);
  const isOver = () => manager.draining.length === 0 && manager.versionsToCollect === 0;
  for (let i = 0; i < 100 && !isOver(); i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    globalThis.gc?.();
  }
  const page = await (await fetch(`${service.adminUrl}/metrics`)).text();
  process.stdout.write(
    `${JSON.stringify({
      isOver: isOver(),
      leaks: manager.leaks.map(({ plugin, version }) => `${plugin}@${version}`).sort(),
      counted: [...page.matchAll(/^sightline_plugin_leaks_total\{sightline_plugin="(\w+)"\} 1$/gm)]
        .map(([, name]) => name)
        .sort(),
    })}\n`,
  );
  await service.stop();
  process.exit();
}
