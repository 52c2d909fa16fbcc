import type { Family } from './families.ts';
import { escapeLine } from './labels.ts';
import { numberText } from './numbers.ts';
import { braced, bucketLines, type PageFormat } from './page-format.ts';

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
  *texts(target, families) {
    yield '# HELP target_info Target metadata\n# TYPE target_info gauge\n';
    yield `target_info${braced(target)} 1\n`;
    for (const family of families) yield* familyTexts(family);
  },
};

function* familyTexts({ name, kind, help, series }: Family): Generator<string> {
  const type = kind === 'up_down_counter' ? 'gauge' : kind;
  yield `# HELP ${name} ${escapeLine(help)}\n# TYPE ${name} ${type}\n`;
  for (const [labels, value] of series) {
    if (typeof value === 'number') yield `${name}${braced(labels)} ${numberText(value)}\n`;
    else {
      const all = braced(labels);
      const sum = `${name}_sum${all} ${numberText(value.sum)}\n`;
      yield `${bucketLines(name, labels, value)}${sum}${name}_count${all} ${value.count}\n`;
    }
  }
}
