import type { Exemplar } from '../metrics/exemplars.ts';
import type { Distribution, Family } from './families.ts';
import { escapeQuoted } from './labels.ts';
import { numberText } from './numbers.ts';
import { braced, bucketLines, type PageFormat } from './page-format.ts';

type Type = 'counter' | 'gauge' | 'histogram' | 'unknown';

/** What a sample of each type may add to the name of its family, whether we write it or not. */
const suffixes: Readonly<Record<Type, readonly string[]>> = {
  counter: ['', '_total', '_created'],
  gauge: [''],
  histogram: ['', '_bucket', '_sum', '_count', '_created'],
  unknown: [''],
};

/**
 * OpenMetrics, which has exemplars and units. There is no `_created`: only an experimental setting of Prometheus
 * reads it as what it is, without it each would be a series more, and the SDK knows it of none that is observed.
 * https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export const openMetricsPage: PageFormat = {
  contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  hasExemplars: true,
  ownNames: ['target', 'target_info'],
  namesOf(family) {
    return suffixes[typeOf(family)].map((suffix) => familyName(family) + suffix);
  },
  *texts(target, families) {
    yield '# TYPE target info\n# HELP target Target metadata\n';
    yield `target_info${braced(target)} 1\n`;
    for (const family of families) yield* familyTexts(family);
    yield '# EOF\n';
  },
};

/** A counter that is called `total`, and nothing else, has no name left for its family. */
function typeOf({ name, kind }: Family): Type {
  if (kind === 'histogram') return kind;
  if (kind !== 'counter') return 'gauge';
  return name.endsWith('_total') ? 'counter' : 'unknown';
}

function familyName(family: Family): string {
  return typeOf(family) === 'counter' ? family.name.slice(0, -'_total'.length) : family.name;
}

function* familyTexts(family: Family): Generator<string> {
  const name = familyName(family);
  const hasUnit = family.unit !== '' && name.endsWith(`_${family.unit}`);
  yield `# TYPE ${name} ${typeOf(family)}\n`;
  if (hasUnit) yield `# UNIT ${name} ${family.unit}\n`;
  yield `# HELP ${name} ${escapeQuoted(family.help)}\n`;
  for (const [labels, value] of family.series) {
    if (typeof value !== 'number') yield histogramLines(name, labels, value);
    else yield `${family.name}${braced(labels)} ${numberText(value)}\n`;
  }
}

function histogramLines(name: string, labels: string, value: Distribution): string {
  const { exemplars = [], sum, count } = value;
  const lines = bucketLines(name, labels, value, (bucket) => exemplarText(exemplars[bucket]));
  // What can fall is no sum, and without a sum there may be no count.
  if ((value.buckets.boundaries[0] ?? 0) < 0) return lines;
  const all = braced(labels);
  return `${lines}${name}_sum${all} ${numberText(sum)}\n${name}_count${all} ${count}\n`;
}

/** Names and values of its labels are 63 characters; 128 are allowed. */
function exemplarText(exemplar: Exemplar | undefined): string {
  if (!exemplar) return '';
  const { value, at, trace } = exemplar;
  const ids = `trace_id="${trace.traceId}",span_id="${trace.spanId}"`;
  return ` # {${ids}} ${numberText(value)} ${(at / 1000).toFixed(3)}`;
}
