import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { errorRatio, errors } from '../../src/alerts/measure.ts';
import type { Snapshot } from '../../src/snapshots/snapshot.ts';
import { attribute, metric } from '../../src/telemetry/names.ts';
import { metricName } from '../../src/telemetry/prometheus-names.ts';
import { missing } from '../support/is-installed.ts';
import { Random } from '../support/random.ts';
import { CollectorScene, idle } from './collector-scene.ts';

const scrapeMs = 5_000;
const scrapes = 120;
const nameOf = ({ name, unit, kind }: (typeof metric)[keyof typeof metric]) => metricName(name, unit, kind);

/** Every series that a Prometheus would have of the scene, by its text, with its values scrape by scrape. */
type Scraped = Map<string, number[]>;

async function scrape(scene: CollectorScene, scraped: Scraped): Promise<void> {
  const note = (series: string, value: number) =>
    scraped.set(series, [...(scraped.get(series) ?? []), value]);
  const { resourceMetrics } = await scene.reader.collect();
  for (const { descriptor, dataPoints } of resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)) {
    const row = Object.values(metric).find(({ name }) => name === descriptor.name);
    for (const { attributes, value } of row ? dataPoints : []) {
      const labels = Object.entries(attributes).map(([key, text]) => `${key.replaceAll('.', '_')}="${text}"`);
      const series = (suffix: string, ...more: string[]) =>
        `${row && nameOf(row)}${suffix}{${[...labels, ...more].join()}}`;
      if (typeof value === 'number') note(series(''), value);
      else if ('buckets' in value) {
        let sum = 0;
        for (const [i, count] of value.buckets.counts.entries()) {
          sum += count;
          note(series('_bucket', `le="${value.buckets.boundaries[i] ?? '+Inf'}"`), sum);
        }
        note(series('_sum'), value.sum ?? 0);
        note(series('_count'), value.count);
      }
    }
  }
}

const endings = [
  { [attribute.outcome]: 'failed' },
  { [attribute.outcome]: 'upstream_error', [attribute.fault]: 'client' },
  { [attribute.outcome]: 'completed' },
  { [attribute.outcome]: 'completed' },
  { [attribute.outcome]: 'upstream_error' },
];

/** Ten minutes of traffic that is steady as a whole, and random in each exchange. */
async function tenMinutes(): Promise<{ scene: CollectorScene; scraped: Scraped }> {
  const scene = new CollectorScene();
  const scraped: Scraped = new Map();
  const random = new Random(7);
  const { outcomes, httpDuration, timeToFirstChunk, tokenUsage } = scene.instruments;
  await scene.after(0);
  for (let i = 0; i <= scrapes; i += 1) {
    for (let j = 0; j < 20; j += 1) {
      const upstream = { [attribute.upstream]: random.pick(['one', 'other']) };
      outcomes.add(1, { ...upstream, ...endings[j % endings.length] });
      httpDuration.record(random.next() ** 3 * 30, upstream);
      timeToFirstChunk.record(random.next() * 2, upstream);
      tokenUsage.record(random.integer(1, 2_000), { ...upstream, [attribute.genAiTokenType]: 'input' });
      tokenUsage.record(random.integer(1, 200), { ...upstream, [attribute.genAiTokenType]: 'output' });
    }
    scene.process = { ...idle, cpuSeconds: i * 1.5 };
    await scene.after(scrapeMs);
    await scrape(scene, scraped);
  }
  return { scene, scraped };
}

const skip = missing(['promtool'], "the comparison with Prometheus's own arithmetic");
test('the figures of a window are those that Prometheus has of it', { skip }, async () => {
  const { scene, scraped } = await tenMinutes();
  const input_series = [...scraped].map(([series, values]) => ({ series, values: values.join(' ') }));
  const end = `${(scrapes * scrapeMs) / 1_000}s`;
  const expect = (expr: string, value: number | undefined) => ({
    // Prometheus computes in another order: equal to the ninth digit.
    expr: `abs((${expr}) / ${value} - 1) < bool 1e-9`,
    eval_time: end,
    exp_samples: [{ labels: '{}', value: 1 }],
  });
  const quantile = (q: number, row: (typeof metric)[keyof typeof metric], window: string) =>
    `histogram_quantile(${q}, sum by (le) (rate(${nameOf(row)}_bucket[${window}]))) * 1000`;
  const promql_expr_test = [60, 300].flatMap((seconds) => {
    const window = `${seconds}s`;
    const figures = scene.collector.over(seconds * 1_000) as Snapshot;
    const counted = nameOf(metric.outcomes);
    return [
      expect(`sum(increase(${counted}[${window}]))`, figures.exchanges),
      expect(errors.expression(seconds * 1_000), figures.errors),
      expect(errorRatio.expression(seconds * 1_000), figures.errorRatio),
      expect(quantile(0.5, metric.httpDuration, window), figures.responseMs?.p50),
      expect(quantile(0.95, metric.httpDuration, window), figures.responseMs?.p95),
      expect(quantile(0.99, metric.httpDuration, window), figures.responseMs?.p99),
      expect(quantile(0.95, metric.timeToFirstChunk, window), figures.firstTokenMs?.p95),
      expect(`sum(rate(${nameOf(metric.tokenUsage)}_sum[${window}])) * 60`, figures.tokens?.perMinute),
    ];
  });
  const folder = mkdtempSync(join(tmpdir(), 'sightline-window-'));
  try {
    const file = join(folder, 'test.yml');
    const tests = [{ interval: `${scrapeMs / 1_000}s`, input_series, promql_expr_test }];
    writeFileSync(file, stringify({ tests }, { lineWidth: 0 }));
    execFileSync('promtool', ['test', 'rules', file], { stdio: 'pipe' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
