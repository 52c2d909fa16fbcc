import { stringify } from 'yaml';
import { z } from 'zod';
import { Daemon } from './daemon.ts';
import { type WaitOptions, waitFor } from './wait-for.ts';

export interface ScrapeTarget {
  readonly job: string;
  /** Of an admin plane; `/metrics` is asked there. */
  readonly url: string;
  readonly token?: string;
}

export interface PrometheusOptions {
  readonly targets?: readonly ScrapeTarget[];
  readonly scrapeIntervalMs?: number;
  readonly evaluationIntervalMs?: number;
  /** A file of rules: YAML. */
  readonly rules?: string;
  /** Addresses of Alertmanagers. */
  readonly alertmanagers?: readonly string[];
}

const labels = z.record(z.string(), z.string());
const point = z.tuple([z.number(), z.string()]);
const vector = z.array(z.object({ metric: labels, value: point }));
const matrix = z.array(z.object({ metric: labels, values: z.array(point) }));
const result = z.discriminatedUnion('resultType', [
  z.object({ resultType: z.literal('vector'), result: vector }),
  z.object({ resultType: z.literal('matrix'), result: matrix }),
  z.object({ resultType: z.literal('scalar'), result: point }),
]);
const exemplarSeries = z.object({
  seriesLabels: labels,
  exemplars: z.array(z.object({ labels, value: z.string(), timestamp: z.number() })),
});
const target = z.object({ labels, health: z.string(), lastError: z.string(), scrapeUrl: z.string() });
const rule = z.object({
  name: z.string(),
  query: z.string(),
  health: z.string(),
  lastError: z.string().optional(),
  state: z.string().optional(),
});
const activeAlert = z.object({ labels, annotations: labels, state: z.string(), value: z.string() });

export type ExemplarSeries = z.infer<typeof exemplarSeries>;
export type ActiveAlert = z.infer<typeof activeAlert>;

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds since the epoch, and the value then. */
  readonly points: readonly (readonly [at: number, value: number])[];
}

export interface Range {
  readonly start: Date;
  readonly end: Date;
  readonly stepSeconds: number;
}

/** A real Prometheus, which scrapes what it is told to and takes exemplars. Stop it with `await using`. */
export class Prometheus implements AsyncDisposable {
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /** Resolves when it is ready; that is before its first scrape. */
  static async start(options: PrometheusOptions): Promise<Prometheus> {
    const daemon = await Daemon.start({
      command: 'prometheus',
      files: {
        'prometheus.yml': stringify(configurationOf(options)),
        ...(options.rules !== undefined && { 'alerts.rules.yml': options.rules }),
      },
      args: ({ folder, port }) => [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--enable-feature=exemplar-storage',
        // A message that an Alertmanager did not get comes again soon.
        '--rules.alert.resend-delay=2s',
        '--log.level=warn',
      ],
    });
    return new Prometheus(daemon);
  }

  get url(): string {
    return this.#daemon.url;
  }

  /** What it wrote to its log: warnings and errors. */
  get log(): string {
    return this.#daemon.process.stderr;
  }

  /** An instant query. A scalar is one sample without labels. */
  async query(expression: string, at?: Date): Promise<Sample[]> {
    const time = at && { time: (at.getTime() / 1_000).toFixed(3) };
    const data = result.parse(await this.#ask('/api/v1/query', { query: expression, ...time }));
    if (data.resultType === 'scalar') return [{ labels: {}, value: numberOf(data.result[1]) }];
    if (data.resultType === 'matrix') throw new Error(`'${expression}' is a range vector`);
    return data.result.map(({ metric, value }) => ({ labels: metric, value: numberOf(value[1]) }));
  }

  async queryRange(expression: string, { start, end, stepSeconds }: Range): Promise<Series[]> {
    const data = await this.#ask('/api/v1/query_range', {
      query: expression,
      start: (start.getTime() / 1_000).toFixed(3),
      end: (end.getTime() / 1_000).toFixed(3),
      step: String(stepSeconds),
    });
    const series = z.object({ result: matrix }).parse(data).result;
    return series.map(({ metric, values }) => ({
      labels: metric,
      points: values.map(([at, value]) => [at, numberOf(value)] as const),
    }));
  }

  /** Of the last quarter of an hour. */
  async queryExemplars(expression: string): Promise<ExemplarSeries[]> {
    const now = Date.now() / 1_000;
    const range = { start: String(now - 900), end: String(now + 5) };
    return z
      .array(exemplarSeries)
      .parse(await this.#ask('/api/v1/query_exemplars', { query: expression, ...range }));
  }

  async targets(): Promise<z.infer<typeof target>[]> {
    const data = await this.#ask('/api/v1/targets', { state: 'active' });
    return z.object({ activeTargets: z.array(target) }).parse(data).activeTargets;
  }

  async rules(): Promise<z.infer<typeof rule>[]> {
    const groups = z.object({ groups: z.array(z.object({ rules: z.array(rule) })) });
    return groups.parse(await this.#ask('/api/v1/rules')).groups.flatMap(({ rules }) => rules);
  }

  /** Those that are pending or firing. */
  async alerts(): Promise<ActiveAlert[]> {
    return z.object({ alerts: z.array(activeAlert) }).parse(await this.#ask('/api/v1/alerts')).alerts;
  }

  /** Resolves when every target has been scraped without an error. */
  async waitForScrape(options?: WaitOptions): Promise<void> {
    await waitFor(
      'a scrape of every target',
      async () => {
        const targets = await this.targets();
        const bad = targets.find(({ health }) => health !== 'up');
        if (bad) throw new Error(`${bad.scrapeUrl} is ${bad.health}: ${bad.lastError}`);
        return targets.length > 0 || undefined;
      },
      options,
    );
  }

  /** The samples of an instant query, as soon as they are as wanted; by default: as soon as there are any. */
  waitForSamples(
    expression: string,
    isWanted: (samples: readonly Sample[]) => boolean = (samples) => samples.length > 0,
    options?: WaitOptions,
  ): Promise<Sample[]> {
    return waitFor(
      expression,
      async () => {
        const samples = await this.query(expression);
        if (!isWanted(samples)) throw new Error(`it is ${JSON.stringify(samples)}`);
        return samples;
      },
      options,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#daemon[Symbol.asyncDispose]();
  }

  async #ask(path: string, parameters?: Readonly<Record<string, string>>): Promise<unknown> {
    const envelope = z.object({ status: z.literal('success'), data: z.unknown() });
    return envelope.parse(await this.#daemon.get(path, parameters)).data;
  }
}

function configurationOf({
  targets = [],
  scrapeIntervalMs = 250,
  evaluationIntervalMs = 500,
  rules,
  alertmanagers = [],
}: PrometheusOptions): object {
  const interval = `${scrapeIntervalMs}ms`;
  return {
    global: {
      scrape_interval: interval,
      scrape_timeout: interval,
      evaluation_interval: `${evaluationIntervalMs}ms`,
    },
    scrape_configs: targets.map(({ job, url, token }) => ({
      job_name: job,
      static_configs: [{ targets: [new URL(url).host] }],
      ...(token !== undefined && { authorization: { credentials: token } }),
    })),
    ...(rules !== undefined && { rule_files: ['alerts.rules.yml'] }),
    alerting: {
      alertmanagers: alertmanagers.map((url) => ({ static_configs: [{ targets: [new URL(url).host] }] })),
    },
  };
}

/** As Go writes numbers. */
function numberOf(text: string): number {
  return text === '+Inf'
    ? Number.POSITIVE_INFINITY
    : text === '-Inf'
      ? Number.NEGATIVE_INFINITY
      : Number(text);
}
