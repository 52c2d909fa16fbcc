import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withDeadline } from '../exchange/deadline.ts';
import { bundlePage } from './bundle-page.ts';
import { fileTypes, type PageFiles, servable } from './page-file.ts';

/** Where the files of the page come from. */
export interface Page {
  /** Made when they are first asked for, and kept. */
  files(): Promise<PageFiles>;
}

/** The sources' in a checkout; in a package, that of what was bundled when it was built. */
export const pageFolder = fileURLToPath(new URL('./page/', import.meta.url));

/** As `npm run build` left it. */
class BuiltPage implements Page {
  readonly #folder: string;
  #files: Promise<PageFiles> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  files(): Promise<PageFiles> {
    this.#files ??= this.#read().catch((thrown) => {
      this.#files = undefined;
      throw thrown;
    });
    return this.#files;
  }

  async #read(): Promise<PageFiles> {
    const names = Object.keys(fileTypes).filter((name) => !name.endsWith('.map'));
    const read = names.map(async (name) => [name, await readFile(join(this.#folder, name))] as const);
    return servable(new Map(await Promise.all(read)));
  }
}

/** The clock of a file system may be so far behind. */
const clockStepMs = 10;

/** esbuild says nothing at all where its process is ended under a build. */
const bundleTimeoutMs = 10_000;

interface Made {
  readonly files: PageFiles;
  readonly sources: readonly string[];
  /** ms since the epoch. */
  readonly startedAt: number;
}

/** Bundled anew when a source has changed: who works on the page only reloads it. */
class SourcePage implements Page {
  readonly #folder: string;
  #made: Made | undefined;
  #underWay: Promise<PageFiles> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What is asked for at the same time is one look. Rejects with a `PageBuildError`. */
  files(): Promise<PageFiles> {
    this.#underWay ??= withDeadline(this.#current(), bundleTimeoutMs).finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #current(): Promise<PageFiles> {
    if (!this.#made || (await hasChanged(this.#made))) this.#made = await make(this.#folder);
    return this.#made.files;
  }
}

async function make(folder: string): Promise<Made> {
  const startedAt = Date.now();
  const { files, sources } = await bundlePage({ folder, sourceMap: true });
  return { files: await servable(files), sources, startedAt };
}

/** Since the bundle was begun. The time of the last change of a file's state, which no tool sets back. */
async function hasChanged({ sources, startedAt }: Made): Promise<boolean> {
  const times = sources.map((path) =>
    stat(path).then(
      ({ ctimeMs }) => ctimeMs,
      () => Number.POSITIVE_INFINITY,
    ),
  );
  return (await Promise.all(times)).some((time) => time > startedAt - clockStepMs);
}

export function openPage(folder: string): Page {
  return existsSync(join(folder, 'main.tsx')) ? new SourcePage(folder) : new BuiltPage(folder);
}

/** The one of this process: services share it. */
export const ownPage = openPage(pageFolder);
