import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { execForm, type Instruction, isIgnored, type Stage } from './dockerfile.ts';

interface Layer {
  /** Of its file system. */
  readonly folder: string;
  workdir: string;
  readonly env: Record<string, string>;
  entrypoint: readonly string[];
  health: readonly string[];
}

/**
 * What the Dockerfile makes, without Docker: each stage is a folder, in which its steps run in their order with
 * the Node of the tests. `npm ci` takes the packages that are here already, those that the lockfile tells it to;
 * all else is done as it is written.
 */
export class Image implements AsyncDisposable {
  readonly #root: string;
  readonly #folder: string;
  readonly #dockerignore: string;
  readonly #layers = new Map<string, Layer>();

  private constructor(root: string, folder: string, dockerignore: string) {
    this.#root = root;
    this.#folder = folder;
    this.#dockerignore = dockerignore;
  }

  static async build(stages: readonly Stage[], dockerignore: string, root: string): Promise<Image> {
    const image = new Image(root, await mkdtemp(join(tmpdir(), 'sightline-image-')), dockerignore);
    try {
      for (const stage of stages) await image.#build(stage);
      return image;
    } catch (thrown) {
      await image[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** Where the image's working directory lies. */
  get workdir(): string {
    const { folder, workdir } = this.#last;
    return join(folder, workdir);
  }

  /** What of the image a mount at this path hides. */
  async hiddenBy(path: string): Promise<string[]> {
    const at = join(this.#last.folder, path);
    return existsSync(at) ? readdir(at) : [];
  }

  get env(): Readonly<Record<string, string>> {
    return this.#last.env;
  }

  /** Without the `node` that they begin with. */
  get entrypoint(): readonly string[] {
    return withoutNode(this.#last.entrypoint);
  }

  get health(): readonly string[] {
    return withoutNode(this.#last.health);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #last(): Layer {
    const last = [...this.#layers.values()].at(-1);
    if (!last) throw new Error('the Dockerfile has no stage');
    return last;
  }

  async #build({ name, from, instructions }: Stage): Promise<void> {
    const folder = join(this.#folder, name);
    const base = this.#layers.get(from);
    await mkdir(folder);
    if (base) await cp(base.folder, folder, { recursive: true });
    const { workdir = '/', env = {}, entrypoint = [], health = [] } = base ?? {};
    const layer: Layer = { folder, workdir, env: { ...env }, entrypoint, health };
    this.#layers.set(name, layer);
    for (const instruction of instructions) await this.#step(layer, instruction);
  }

  async #step(layer: Layer, { keyword, options, text }: Instruction): Promise<void> {
    if (keyword === 'WORKDIR') {
      layer.workdir = text;
      await mkdir(join(layer.folder, text), { recursive: true });
    } else if (keyword === 'COPY') await this.#copy(layer, text, options.from);
    else if (keyword === 'RUN') await this.#run(layer, text);
    else if (keyword === 'ENV') {
      const [, variable = '', value = ''] = /^(\w+)=(\S*)$/.exec(text) ?? [];
      layer.env[variable] = value;
    } else if (keyword === 'ENTRYPOINT') layer.entrypoint = execForm(text);
    else if (keyword === 'HEALTHCHECK') layer.health = execForm(text.slice(text.indexOf('[')));
  }

  async #copy(layer: Layer, text: string, from: string | undefined): Promise<void> {
    const paths = text.split(/\s+/);
    const target = paths.pop() ?? '';
    const source = from === undefined ? this.#root : this.#layers.get(from)?.folder;
    if (source === undefined) throw new Error(`COPY --from=${from}: no such stage`);
    for (const path of paths) {
      if (from === undefined && isIgnored(path, this.#dockerignore)) {
        throw new Error(`COPY ${path}: .dockerignore leaves it out`);
      }
      const isFile = /\.\w+$/.test(path);
      // A folder's content is copied, not the folder itself.
      const to = join(layer.folder, layer.workdir, target, isFile ? (path.split('/').at(-1) ?? '') : '');
      await cp(join(source, path), to, { recursive: true, dereference: true });
    }
  }

  async #run(layer: Layer, command: string): Promise<void> {
    const cwd = join(layer.folder, layer.workdir);
    const [, folder] = /^install -d -o node -g node -m 0750 (\/[\w/-]+)$/.exec(command) ?? [];
    if (folder !== undefined) await mkdir(join(layer.folder, folder), { recursive: true });
    else if (command.startsWith('npm ci ')) await this.#install(cwd, command.includes('--omit=dev'));
    else if (command.startsWith('npm run ')) await run(command, cwd, layer.env);
    else throw new Error(`RUN ${command}: nobody knows how to do that here`);
  }

  /** What `npm ci` does, with links to the packages that are here already: COPY makes files of them. */
  async #install(cwd: string, isProduction: boolean): Promise<void> {
    const modules = 'node_modules';
    if (!isProduction) return symlink(join(this.#root, modules), join(cwd, modules));
    const { packages } = JSON.parse(await readFile(join(cwd, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
    };
    for (const [path, { dev, devOptional }] of Object.entries(packages)) {
      // Packages within packages come along with these, and those for other platforms are not here.
      const isTop = path.lastIndexOf(`${modules}/`) === 0;
      if (!isTop || dev || devOptional || !existsSync(join(this.#root, path))) continue;
      await mkdir(dirname(join(cwd, path)), { recursive: true });
      await symlink(join(this.#root, path), join(cwd, path));
    }
  }
}

function withoutNode([program, ...args]: readonly string[]): readonly string[] {
  if (program !== 'node') throw new Error(`the image starts '${program}'`);
  return args;
}

async function run(command: string, cwd: string, env: Readonly<Record<string, string>>): Promise<void> {
  const path = [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter);
  const child = spawn('sh', ['-c', command], { cwd, env: { ...process.env, ...env, PATH: path } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += String(text)));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`RUN ${command}: exit code ${code}\n${said}`);
}
