import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { allExpressions, type DashboardExpression } from '../../grafana/src/expressions.ts';
import { thresholds } from '../../src/alerts/thresholds.ts';
import { labelName } from '../../src/telemetry/prometheus-names.ts';
import { missing } from '../support/is-installed.ts';
import type { Prometheus, Sample } from '../support/prometheus.ts';
import { waitFor } from '../support/wait-for.ts';
import { startScene } from './scene.ts';

const skip = missing(
  ['prometheus', 'openssl'],
  'whether a real Prometheus has an answer to every expression',
);

/** Things take their time to happen: a plugin's leak shows after some garbage collections. */
const patience = { timeoutMs: 50_000, intervalMs: 1_000 };

/** As long as a scene lasts: what seldom happens is to be seen in it all the same. */
const range = '2m';

type Asked = Pick<DashboardExpression, 'expression' | 'kind' | 'labels'> & { readonly place: string };

describe('what Prometheus is asked', { skip, timeout: 110_000 }, () => {
  let scene: Awaited<ReturnType<typeof startScene>>;
  before(async () => {
    scene = await startScene();
    await scene.prometheus.waitForScrape();
  });
  after(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  it('by dashboards has an answer, each', async () => {
    const expressions = allExpressions({ rateInterval: range, range }).map((one) => ({
      ...one,
      place: [one.dashboard, one.panel, one.refId].join(' › '),
      labels: one.isHeatmap ? ['le'] : one.labels,
    }));
    assert.ok(expressions.length > 100, `${expressions.length} expressions`);
    await answerEach(scene.prometheus, expressions);
  });

  it('by rules has an answer, each', async () => {
    const expressions = thresholds.map(({ id, by, measure, windowMs }) => ({
      place: id,
      expression: measure.expression(windowMs),
      kind: 'vector' as const,
      labels: ['job', 'instance', ...(by === undefined ? [] : [labelName(by)])],
    }));
    assert.equal(expressions.length, 14);
    await answerEach(scene.prometheus, expressions);
    const rules = await scene.prometheus.rules();
    assert.deepEqual([...new Set(rules.map(({ health }) => health))], ['ok']);
  });

  it('for exemplars has traces that were exported', async () => {
    const expressions = allExpressions({ rateInterval: range, range }).filter(
      ({ hasExemplars }) => hasExemplars,
    );
    assert.ok(expressions.length > 5, `${expressions.length} expressions`);
    const ids = new Set<string | undefined>();
    for (const { panel, expression } of expressions) {
      const found = await waitFor(`exemplars of ${panel}`, async () => {
        const series = await scene.prometheus.queryExemplars(expression);
        return series.length > 0 ? series : undefined;
      });
      for (const { exemplars } of found) for (const { labels } of exemplars) ids.add(labels.trace_id);
    }
    assert.ok(ids.size > 20, `${ids.size} traces`);
    await waitFor('the spans of all of these traces', () => {
      const exported = new Set(scene.spans.spans().map(({ traceId }) => traceId));
      const unknown = [...ids].filter((id) => id === undefined || !exported.has(id));
      if (unknown.length > 0)
        throw new Error(`${unknown.length} of ${ids.size} are not there: ${unknown[0]}`);
      return true;
    });
  });
});

/** Asks until all have an answer of the right shape, or nobody has patience any more; tells which have none. */
async function answerEach(prometheus: Prometheus, expressions: readonly Asked[]): Promise<void> {
  let unanswered: readonly Asked[] = expressions;
  let wrong: readonly (readonly [place: string, what: string, expression: string])[] = [];
  const look = async () => {
    const all = await Promise.all(
      unanswered.map(async (asked) => ({
        asked,
        what: whatIsWrong(await ask(prometheus, asked), asked.labels),
      })),
    );
    const bad = all.filter(({ what }) => what !== '');
    unanswered = bad.map(({ asked }) => asked);
    wrong = bad.map(({ asked, what }) => [asked.place, what, asked.expression]);
    return wrong.length === 0 || undefined;
  };
  await waitFor('answers', look, patience).catch((thrown) => {
    if (wrong.length === 0) throw thrown;
  });
  assert.deepEqual(wrong, []);
}

/** As Grafana asks: for one moment, or over a range, of which the newest points count. */
async function ask(prometheus: Prometheus, { expression, kind }: Asked): Promise<readonly Sample[]> {
  if (kind === 'vector') return prometheus.query(expression);
  const end = new Date();
  const start = new Date(end.getTime() - 10_000);
  const series = await prometheus.queryRange(expression, { start, end, stepSeconds: 1 });
  return series.map(({ labels, points }) => ({ labels, value: points.at(-1)?.[1] ?? Number.NaN }));
}

function whatIsWrong(samples: readonly Sample[], labels: readonly string[]): string {
  if (samples.length === 0) return 'no sample';
  const infinite = samples.find(({ value }) => !Number.isFinite(value));
  if (infinite) return `${infinite.value} of ${JSON.stringify(infinite.labels)}`;
  const absent = labels.find((label) => !samples.some((sample) => sample.labels[label]));
  return absent === undefined ? '' : `no label ${absent}`;
}
