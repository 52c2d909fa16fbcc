import assert from 'node:assert/strict';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export type Page = ReadonlyMap<string, Family>;

/** What `total` and `samplesOf` need: of a page in either format. */
type AnyPage = ReadonlyMap<string, { readonly samples: readonly Sample[] }>;

/**
 * Reads a page in Prometheus's text format, and refuses what a lenient reader would let pass: families that
 * come twice, samples outside of their family, repeated series, histograms that do not add up.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function parsePage(page: string): Page {
  assert.ok(page.endsWith('\n'), 'the last line ends with a line feed');
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>();
  const series = new Set<string>();
  let help: [string, string] | undefined;
  let current = '';
  for (const line of page.slice(0, -1).split('\n')) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/s.exec(line);
    const [, keyword, name = '', rest = ''] = comment ?? [];
    if (keyword === 'HELP') {
      assert.ok(!families.has(name), `${name} comes once`);
      help = [name, unescaped(rest, 'help')];
    } else if (keyword === 'TYPE') {
      assert.equal(help?.[0], name, 'TYPE follows HELP');
      assert.match(rest, /^(counter|gauge|histogram)$/);
      families.set(name, { type: rest, help: help?.[1] ?? '', samples: [] });
      current = name;
    } else {
      const sample = parseSample(line);
      const family = families.get(current);
      assert.ok(family && belongs(sample.name, current, family.type), `${line} is in the family ${current}`);
      const id = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
      assert.ok(!series.has(id), `${line} comes once`);
      series.add(id);
      family.samples.push(sample);
    }
  }
  for (const [name, family] of families) check(name, family);
  return families;
}

/** The sum over the samples of that name whose labels are as wanted. */
export function total(page: AnyPage, name: string, labels: Readonly<Record<string, string>> = {}): number {
  let sum = 0;
  for (const { samples } of page.values()) {
    for (const sample of samples) {
      const isWanted = Object.entries(labels).every(([key, value]) => sample.labels[key] === value);
      if (sample.name === name && isWanted) sum += sample.value;
    }
  }
  return sum;
}

/** Every series of a page. */
export function samplesOf(page: AnyPage): Sample[] {
  return [...page.values()].flatMap(({ samples }) => samples);
}

function parseSample(line: string): Sample {
  const [, name = '', inner, value = ''] =
    /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s.exec(line) ?? assert.fail(`a sample: ${line}`);
  const labels: Record<string, string> = {};
  let rest = inner ?? '';
  while (rest !== '') {
    const [all, label = '', text = ''] =
      /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\.)*)"(?:,(?=.)|$)/s.exec(rest) ??
      assert.fail(`labels: ${line}`);
    assert.ok(!Object.hasOwn(labels, label), `${label} comes once: ${line}`);
    labels[label] = unescaped(text, 'label');
    assert.notEqual(labels[label], '', `an empty label is no label: ${line}`);
    rest = rest.slice(all.length);
  }
  return { name, labels, value: parseNumber(value) };
}

/** As Go's ParseFloat does. */
function parseNumber(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  if (text === 'NaN') return Number.NaN;
  assert.match(text, /^-?\d+(\.\d+)?(e[+-]?\d+)?$/);
  return Number(text);
}

function unescaped(text: string, place: 'help' | 'label'): string {
  return text.replace(/\\(.)/g, (_, character: string) => {
    if (character === 'n') return '\n';
    assert.match(character, place === 'label' ? /[\\"]/ : /\\/, `an escape: ${text}`);
    return character;
  });
}

function belongs(sample: string, family: string, type: string): boolean {
  if (type !== 'histogram') return sample === family;
  return [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(sample);
}

function check(name: string, { type, samples }: Family): void {
  assert.ok(samples.length > 0, `${name} has samples`);
  if (type === 'counter') {
    assert.match(name, /(?:^|_)total$/);
    for (const { value } of samples) assert.ok(value >= 0, `${name} is not negative`);
  }
  if (type === 'histogram') for (const one of histograms(name, samples)) checkHistogram(name, one);
}

export interface OneHistogram {
  readonly buckets: [bound: number, count: number][];
  sum?: number;
  count?: number;
}

export function histograms(name: string, samples: readonly Sample[]): Iterable<OneHistogram> {
  const byLabels = new Map<string, OneHistogram>();
  for (const { name: sample, labels, value } of samples) {
    const { le, ...others } = labels;
    const key = JSON.stringify(Object.entries(others).sort());
    const one = byLabels.get(key) ?? { buckets: [] };
    byLabels.set(key, one);
    assert.equal(le !== undefined, sample === `${name}_bucket`, `only buckets have a bound: ${name}`);
    if (le !== undefined) one.buckets.push([parseNumber(le), value]);
    if (sample === `${name}_sum`) one.sum = value;
    if (sample === `${name}_count`) one.count = value;
  }
  return byLabels.values();
}

export function checkHistogram(name: string, { buckets, sum, count }: OneHistogram): void {
  assert.ok(sum !== undefined && count !== undefined, `${name} has a sum and a count`);
  checkBuckets(name, buckets);
  assert.equal(buckets.at(-1)?.[1], count, `${name} ends with everything`);
}

export function checkBuckets(name: string, buckets: OneHistogram['buckets']): void {
  assert.equal(buckets.at(-1)?.[0], Number.POSITIVE_INFINITY, `${name} has no highest bound`);
  for (let i = 1; i < buckets.length; i += 1) {
    const [[below, fewer], [above, more]] = [buckets[i - 1] ?? [0, 0], buckets[i] ?? [0, 0]];
    assert.ok(below < above, `${name}: bounds rise`);
    assert.ok(fewer <= more, `${name}: counts are cumulated`);
  }
}
