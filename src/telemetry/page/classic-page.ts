import type { Family } from './families.ts';
import { escapeLine } from './labels.ts';
import { numberText } from './numbers.ts';
import { braced, buckets, type PageFormat } from './page-format.ts';

/**
 * Prometheus's own text, which everything reads.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export const classicPage: PageFormat = {
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  hasExemplars: false,
  ownNames: ['target_info'],
  namesOf({ name, kind }) {
    return kind === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
  },
  *lines(target, families) {
    yield '# HELP target_info Target metadata';
    yield '# TYPE target_info gauge';
    yield `target_info${braced(target)} 1`;
    for (const family of families) yield* familyLines(family);
  },
};

function* familyLines({ name, kind, help, series }: Family): Generator<string> {
  yield `# HELP ${name} ${escapeLine(help)}`;
  yield `# TYPE ${name} ${kind === 'up_down_counter' ? 'gauge' : kind}`;
  for (const [labels, value] of series) {
    if (typeof value === 'number') yield `${name}${braced(labels)} ${numberText(value)}`;
    else {
      for (const bucket of buckets(labels, value)) yield `${name}_bucket{${bucket.labels}} ${bucket.count}`;
      yield `${name}_sum${braced(labels)} ${numberText(value.sum ?? 0)}`;
      yield `${name}_count${braced(labels)} ${value.count}`;
    }
  }
}
