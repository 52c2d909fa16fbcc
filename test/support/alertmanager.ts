import { stringify } from 'yaml';
import { z } from 'zod';
import { Daemon } from './daemon.ts';

const alert = z.object({
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
  startsAt: z.string(),
  endsAt: z.string(),
  status: z.object({ state: z.string() }),
  fingerprint: z.string(),
  generatorURL: z.string().optional(),
});
export type HeldAlert = z.infer<typeof alert>;

/** A real Alertmanager, which tells a webhook of each alert by itself and at once. Stop it with `await using`. */
export class Alertmanager implements AsyncDisposable {
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /** Resolves when it is ready. */
  static async start({ webhook }: { readonly webhook: string }): Promise<Alertmanager> {
    const configuration = {
      route: {
        receiver: 'sink',
        // Each alert is a group of its own: nothing waits for another.
        group_by: ['...'],
        group_wait: '0s',
        group_interval: '1s',
        repeat_interval: '1h',
      },
      receivers: [{ name: 'sink', webhook_configs: [{ url: webhook, send_resolved: true }] }],
    };
    const daemon = await Daemon.start({
      command: 'prometheus-alertmanager',
      files: { 'alertmanager.yml': stringify(configuration) },
      args: ({ folder, port }) => [
        `--config.file=${folder}/alertmanager.yml`,
        `--storage.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--cluster.listen-address=',
        '--log.level=warn',
      ],
    });
    return new Alertmanager(daemon);
  }

  get url(): string {
    return this.#daemon.url;
  }

  /** What it wrote to its log: warnings and errors. */
  get log(): string {
    return this.#daemon.process.stderr;
  }

  /** Those that have not ended. */
  async alerts(): Promise<HeldAlert[]> {
    return z.array(alert).parse(await this.#daemon.get('/api/v2/alerts'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#daemon[Symbol.asyncDispose]();
  }
}
