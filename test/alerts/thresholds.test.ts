import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { adminRoutes } from '../../src/admin/admin-plane.ts';
import { duration } from '../../src/alerts/duration.ts';
import type { FigurePath } from '../../src/alerts/threshold.ts';
import { thresholds } from '../../src/alerts/thresholds.ts';
import { describeCommands } from '../../src/commands/commands.ts';
import { views } from '../../src/console/page/route.ts';
import { outcomes } from '../../src/exchange/outcome.ts';
import { defaultLimits } from '../../src/limits.ts';
import { attribute, metric } from '../../src/telemetry/names.ts';
import { knownLabels, knownSeries, namesIn } from '../support/promql.ts';

describe('the table of thresholds', () => {
  test('has an id for each, which a rule can be called after', () => {
    for (const { id } of thresholds) assert.match(id, /^[a-z]+(-[a-z]+)*$/);
    assert.equal(new Set(thresholds.map(({ id }) => id)).size, thresholds.length);
  });

  test('looks only at metrics and labels that there are', () => {
    const names = new Set<string>(Object.values(metric).map(({ name }) => name));
    for (const { id, measure, windowMs } of thresholds) {
      for (const name of measure.metrics) assert.ok(names.has(name), `${id}: ${name}`);
      const used = namesIn(measure.expression(windowMs));
      const families = [...used.metrics].map((name) => name.replace(/_(bucket|sum|count)$/, ''));
      assert.equal(new Set(families).size, measure.metrics.length, `${id} names all that it reads`);
      for (const { name, labels } of measure.series(1, windowMs || 1, 1)) {
        assert.ok(knownSeries.has(name), `${id}: ${name}`);
        for (const label of Object.keys(labels)) assert.ok(knownLabels.has(label), `${id}: ${label}`);
      }
    }
  });

  test('looks over its window where it has one, and else at the moment', () => {
    for (const { id, measure, windowMs } of thresholds) {
      const ranges = (ms: number) => measure.expression(ms).match(/\[\w+\]/g) ?? [];
      assert.equal(ranges(90_000).length > 0, windowMs > 0, id);
      for (const range of ranges(90_000)) assert.equal(range, `[${duration(90_000)}]`, id);
    }
  });

  test('takes for a rate what Prometheus divides by the whole window', () => {
    for (const { id, measure, windowMs } of thresholds)
      assert.equal(measure.isRate ?? false, /\brate\(/.test(measure.expression(windowMs)), id);
  });

  test('tells whose figure it is wherever there are several', () => {
    const known = new Set<string>(Object.values(attribute));
    for (const { id, field, by, measure, windowMs } of thresholds) {
      assert.equal(by !== undefined, field.includes('*'), id);
      if (by === undefined) continue;
      assert.ok(known.has(by), `${id}: ${by}`);
      assert.ok(measure.expression(windowMs).includes(by.replaceAll('.', '_')), id);
    }
  });

  test('has a limit that figures can be beyond, and within', () => {
    for (const { id, comparison, limit, measure } of thresholds) {
      const { lowest, highest } = measure;
      const isPossible =
        comparison === 'above' ? limit >= lowest && limit < highest : limit > lowest && limit <= highest;
      assert.ok(isPossible, id);
    }
  });

  test('says what is the matter in one sentence, and what to do', () => {
    for (const { id, title, summary, action } of thresholds) {
      assert.match(title, /^[A-Z].*[^.]$/, id);
      assert.match(summary, /^[A-Z][^.]*\.$/, id);
      assert.match(action, /^[A-Z`].{80,}\.$/, id);
    }
  });

  test('counts the exchanges that a percentile is of', () => {
    for (const { id, field, exchangesField } of thresholds) {
      if (!field.includes('.p9')) continue;
      assert.equal(exchangesField, field.replace(/p\d+$/, 'count'), id);
    }
  });

  test('is told over a while, so that nobody is called each time that a figure passes its limit', () => {
    for (const { id, keepMs } of thresholds) assert.ok(keepMs >= 60_000, id);
  });
});

/** What an action may name in backticks, beside routes, series, labels, limits and outcomes. */
const otherNames = new Set([
  'url',
  'max_tokens',
  "isolation: 'worker'",
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'curl -v',
  'openssl s_client -connect HOST:443 -servername HOST </dev/null',
]);

const routes = Object.keys(adminRoutes).map((route) => (route.startsWith('/') ? `GET ${route}` : route));
const commands = describeCommands();
const losses = metric.droppedTelemetry.description;

function isKnown(name: string): boolean {
  return (
    otherNames.has(name) ||
    routes.includes(name) ||
    knownSeries.has(name) ||
    knownLabels.has(name) ||
    Object.hasOwn(defaultLimits, name) ||
    Object.hasOwn(outcomes, name) ||
    losses.includes(`\`${name}\``) ||
    commands.includes(name)
  );
}

describe('what to do', () => {
  test('names only what there is, and marks names as such', () => {
    for (const { id, summary, action } of thresholds) {
      for (const [, name = ''] of action.matchAll(/`([^`]+)`/g)) assert.ok(isKnown(name), `${id}: ${name}`);
      const prose = `${summary} ${action.replace(/`[^`]+`/g, '…')}`;
      assert.doesNotMatch(prose, /[a-z]_[a-z]|[a-z][A-Z](?!pen)|\/[a-z]|GET|POST/, id);
    }
  });

  test('is read in a moment', () => {
    for (const { id, action } of thresholds) {
      assert.ok(action.length <= 360, `${id}: ${action.length} characters`);
      assert.ok(action.split(/[.?] (?=[A-Z`])/).length <= 4, id);
    }
  });

  test('leads to views of the console that there are', () => {
    for (const { id, action } of thresholds)
      for (const [, view = ''] of action.matchAll(/console's (\w+)/g))
        assert.ok(
          views.some((name) => name === view.toLowerCase()),
          `${id}: ${view}`,
        );
  });

  test('leads to dashboards that there are', () => {
    const folder = new URL('../../grafana/dashboards/', import.meta.url);
    const titles = readdirSync(folder).map((file) => {
      const { title } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { title: string };
      return title.replace('Sightline: ', '');
    });
    for (const { id, action } of thresholds)
      for (const [, rest = ''] of action.matchAll(/dashboard (.{0,40})/g))
        assert.ok(
          titles.some((title) => rest.startsWith(title)),
          `${id}: ${rest}`,
        );
  });
});

test('a path that no snapshot has is no field of a threshold', () => {
  const right: readonly FigurePath[] = [
    'memory.rssMb',
    'errorRatio',
    'outcomes.upstream_truncated',
    'plugins.byState.*',
    'upstreams.*.up',
  ];
  const wrong: readonly FigurePath[] = [
    // @ts-expect-error: it is called rssMb
    'memory.rssMB',
    // @ts-expect-error: outcomes have names of their own
    'outcomes.*',
    // @ts-expect-error: whose?
    'upstreams.up',
    // @ts-expect-error: no figure
    'memory',
  ];
  assert.equal(right.length + wrong.length, 9);
});
