import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunningProcess, runNode } from '../support/run-process.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const main = join(root, 'src/main.ts');

/** A folder of somebody who uses Sightline. */
export class Workplace implements AsyncDisposable {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Files by their paths. */
  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
  }

  /** As `npm install sightline` leaves it. */
  async install(): Promise<void> {
    await mkdir(join(this.folder, 'node_modules'));
    await symlink(root, join(this.folder, 'node_modules/sightline'));
    await symlink(join(root, 'node_modules/zod'), join(this.folder, 'node_modules/zod'));
  }

  /** `sightline …`, run to its end. */
  async run(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<RunningProcess & { code: number | null }> {
    return this.node([main, ...args], env);
  }

  async node(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<RunningProcess & { code: number | null }> {
    const running = runNode(args, {
      cwd: this.folder,
      env: { SIGHTLINE_CONFIG: undefined, SIGHTLINE_PLUGINS: undefined, ...env },
    });
    const { code } = await running.waitForExit(60_000);
    return Object.assign(running, { code });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function openWorkplace(files: Readonly<Record<string, string>> = {}): Promise<Workplace> {
  const place = new Workplace(await mkdtemp(join(tmpdir(), 'sightline-commands-')));
  await place.write(files);
  return place;
}
