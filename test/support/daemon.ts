import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningProcess, runProcess } from './run-process.ts';
import { waitFor } from './wait-for.ts';

export interface DaemonOptions {
  readonly command: string;
  /** Written into a folder of its own, by name. */
  readonly files: Readonly<Record<string, string>>;
  readonly args: (place: { readonly folder: string; readonly port: number }) => readonly string[];
}

/** Ports that were free a moment ago may be taken: several test files look for some at once. */
const triesMax = 3;

/** A server that others wrote, with a folder and a free loopback port of its own; it answers `/-/ready`. */
export class Daemon implements AsyncDisposable {
  readonly url: string;
  readonly process: RunningProcess;
  readonly #folder: string;

  private constructor(url: string, process: RunningProcess, folder: string) {
    this.url = url;
    this.process = process;
    this.#folder = folder;
  }

  /** Resolves when it is ready. */
  static async start({ command, files, args }: DaemonOptions): Promise<Daemon> {
    const folder = await mkdtemp(join(tmpdir(), `sightline-${command}-`));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    for (let tries = 1; ; tries += 1) {
      const port = await freePort();
      const running = runProcess(command, args({ folder, port }), { cwd: folder });
      const daemon = new Daemon(`http://127.0.0.1:${port}`, running, folder);
      try {
        await daemon.#ready();
        return daemon;
      } catch (thrown) {
        const isTaken = /address already in use/.test(running.stderr);
        await running[Symbol.asyncDispose]();
        if (isTaken && tries < triesMax) continue;
        await rm(folder, { recursive: true, force: true });
        throw new Error(`${command} does not start:\n${running.stderr}`, { cause: thrown });
      }
    }
  }

  /** JSON of its API. Throws where the status is none of success. */
  async get(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const reply = await fetch(`${this.url}${path}?${new URLSearchParams(parameters)}`);
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${path} ${JSON.stringify(parameters)}: ${reply.status} ${text}`);
    return JSON.parse(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    const ready = waitFor(
      'ready',
      async () => {
        if (this.process.hasExited) return 'ended';
        return (await fetch(`${this.url}/-/ready`)).ok ? 'ready' : undefined;
      },
      { timeoutMs: 20_000, intervalMs: 50 },
    );
    if ((await ready) === 'ended') throw new Error('it ended by itself');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
