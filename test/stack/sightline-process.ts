import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { z } from 'zod';
import { type RunningProcess, runNode } from '../support/run-process.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

interface Options {
  /** The configuration file, as an object. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

const alert = z.object({
  id: z.string(),
  of: z.string().optional(),
  state: z.string(),
  value: z.number().optional(),
  limit: z.number(),
});
export type ProcessAlert = z.infer<typeof alert>;

/** What `npm start` runs, with a configuration of its own, on free ports. Stop it with `await using`. */
export class SightlineProcess implements AsyncDisposable {
  readonly dataUrl: string;
  readonly adminUrl: string;
  readonly process: RunningProcess;
  readonly #folder: string;

  private constructor(process: RunningProcess, folder: string, [data, admin]: readonly [string, string]) {
    this.process = process;
    this.#folder = folder;
    this.dataUrl = data;
    this.adminUrl = admin;
  }

  /** Resolves when both planes take connections. */
  static async start({ config, env = {} }: Options): Promise<SightlineProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'sightline-stack-'));
    const file = {
      data: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0 },
      log: { level: 'info', exchanges: false },
      ...config,
    };
    await writeFile(join(folder, 'sightline.yaml'), stringify(file));
    const running = runNode([main], { cwd: folder, env: { OTEL_TRACES_EXPORTER: 'none', ...env } });
    try {
      const pattern = /sightline: data (http\S+) · admin (http\S+)/;
      const [, data = '', admin = ''] = await running.waitForLine(pattern, 30_000);
      return new SightlineProcess(running, folder, [data, admin]);
    } catch (thrown) {
      await running[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
      throw thrown;
    }
  }

  /** Of `/metrics`, as Prometheus asks for it where it wants the classic format. */
  async metrics(): Promise<string> {
    return (await fetch(`${this.adminUrl}/metrics`)).text();
  }

  async alerts(): Promise<ProcessAlert[]> {
    const reply = await fetch(`${this.adminUrl}/api/alerts`);
    return z.object({ alerts: z.array(alert) }).parse(await reply.json()).alerts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
