import { copyFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PluginFolder } from '../plugins/folder.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** What plugins do to a service that hosts them, as bodies of `initialize`. */
export const mischief = {
  /** Its hook fails each time, so that its breaker opens. */
  shaky: `registerHook('exchange.ended', () => { throw new Error('shaky'); });`,
  /** It throws where nobody waits. */
  stray: `setInterval(() => { throw new Error('stray'); }, 500);`,
  /** Unloaded, it is still there: a timer of the process holds it. */
  leaky: `globalThis.setInterval(() => version, 1_000).unref();`,
  /** Whoever asks for it gets a full garbage collection, without which no leak shows. */
  broom: `
    const { setFlagsFromString } = process.getBuiltinModule('node:v8');
    setFlagsFromString('--expose-gc');
    const collect = process.getBuiltinModule('node:vm').runInNewContext('gc');
    setInterval(collect, 1_500);`,
} as const;

/** A folder with the example plugins, which need packages of the repository. */
export async function folderWithExamples(): Promise<PluginFolder> {
  const folder = await PluginFolder.create();
  await symlink(join(repository, 'node_modules'), join(folder.path, 'node_modules'));
  for (const name of ['tenant', 'cost-meter', 'guardrail', 'translate'])
    await copyFile(join(repository, 'plugins', `${name}.plugin.ts`), folder.file(name));
  return folder;
}
