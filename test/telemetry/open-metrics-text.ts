import assert from 'node:assert/strict';
import { checkBuckets, checkHistogram, histograms, type Sample } from './prometheus-text.ts';

export interface Exemplar {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Seconds since the epoch. */
  readonly at: number | undefined;
}

export interface OpenMetricsSample extends Sample {
  readonly exemplar?: Exemplar;
}

export interface OpenMetricsFamily {
  readonly type: string;
  readonly unit: string;
  readonly help: string;
  readonly samples: readonly OpenMetricsSample[];
}

export type OpenMetricsPage = ReadonlyMap<string, OpenMetricsFamily>;

/** What the samples of a type may be called, behind the name of their family. */
const suffixes: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count', '_created'],
  info: ['_info'],
  unknown: [''],
};

/** The productions of the specification's grammar, each read from where the last one ended. */
const grammar = {
  name: /[a-zA-Z_:][a-zA-Z0-9_:]*/y,
  labelName: /[a-zA-Z_][a-zA-Z0-9_]*/y,
  escaped: /(?:[^\n"\\]|\\[^\n])*/y,
  // realnumber, then the words; case only matters to the former.
  number:
    /[+-]?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|\d*\.\d+(?:e[+-]?\d+)?|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN])/y,
  realNumber: /[+-]?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|\d*\.\d+(?:e[+-]?\d+)?)/y,
} as const;

/** Reads one line from left to right. */
class Line {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  has(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  expect(text: string): void {
    assert.ok(this.has(text), `'${text}' at ${this.#at} of: ${this.#text}`);
  }

  read(production: keyof typeof grammar): string {
    const pattern = grammar[production];
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? assert.fail(`${production} at ${this.#at} of: ${this.#text}`);
    this.#at += found.length;
    return found;
  }

  rest(): string {
    const rest = this.#text.slice(this.#at);
    this.#at = this.#text.length;
    return rest;
  }
}

/**
 * Reads a page of OpenMetrics by the grammar of the specification, and refuses all that it forbids of such a page.
 * https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export function parseOpenMetrics(page: string): OpenMetricsPage {
  assert.ok(page.endsWith('# EOF\n'), 'it ends with EOF');
  assert.ok(!page.startsWith('\ufeff'), 'no byte order mark');
  assert.ok(page.isWellFormed(), 'it is Unicode');
  const families = new Map<string, { -readonly [K in keyof OpenMetricsFamily]: OpenMetricsFamily[K] }>();
  let current = '';
  let seen: string[] = [];
  for (const text of page.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const line = new Line(text);
    if (!line.has('# ')) {
      const family = families.get(current) ?? assert.fail(`a sample of no family: ${text}`);
      family.samples = [...family.samples, readSample(line)];
      continue;
    }
    const keyword = (['TYPE', 'UNIT', 'HELP'] as const).find((one) => line.has(`${one} `));
    assert.ok(keyword, `no other comments: ${text}`);
    const name = line.read('name');
    line.expect(' ');
    if (name !== current) {
      assert.ok(!families.has(name), `${name} comes once`);
      families.set(name, { type: 'unknown', unit: '', help: '', samples: [] });
      [current, seen] = [name, []];
    }
    const family = families.get(name) ?? assert.fail();
    assert.equal(family.samples.length, 0, `what is said of ${name} comes before its samples`);
    assert.ok(!seen.includes(keyword), `${keyword} of ${name} comes once`);
    seen.push(keyword);
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)),
      `order: ${text}`,
    );
    if (keyword === 'HELP') family.help = unescaped(line.read('escaped'));
    else if (keyword === 'TYPE') family.type = line.rest();
    else family.unit = line.rest();
    assert.ok(line.isAtEnd, `nothing else: ${text}`);
  }
  for (const [name, family] of families) check(name, family);
  checkNames(families);
  return families;
}

const order = ['TYPE', 'UNIT', 'HELP'];

function readSample(line: Line): OpenMetricsSample {
  const name = line.read('name');
  const labels = line.has('{') ? readLabels(line) : {};
  line.expect(' ');
  const value = numberOf(line.read('number'));
  if (line.isAtEnd) return { name, labels, value };
  line.expect(' # {');
  const exemplarLabels = readLabels(line);
  line.expect(' ');
  const exemplarValue = numberOf(line.read('number'));
  const at = line.has(' ') ? Number(line.read('realNumber')) : undefined;
  assert.ok(line.isAtEnd, `nothing after the exemplar of ${name}`);
  return { name, labels, value, exemplar: { labels: exemplarLabels, value: exemplarValue, at } };
}

/** From behind the brace to behind its end. */
function readLabels(line: Line): Record<string, string> {
  const labels: Record<string, string> = {};
  while (!line.has('}')) {
    if (Object.keys(labels).length > 0) line.expect(',');
    const label = line.read('labelName');
    assert.doesNotMatch(label, /^_/, 'such labels are reserved');
    assert.ok(!Object.hasOwn(labels, label), `${label} comes once`);
    line.expect('="');
    labels[label] = unescaped(line.read('escaped'));
    line.expect('"');
    assert.notEqual(labels[label], '', 'an empty label is none');
  }
  return labels;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gsu, (_, character: string) => {
    if (character === 'n') return '\n';
    assert.match(character, /[\\"]/, `an escape: ${text}`);
    return character;
  });
}

function numberOf(text: string): number {
  const [, sign = '', word] = /^([+-]?)(inf(?:inity)?|nan)$/i.exec(text) ?? [];
  if (word === undefined) return Number(text);
  return word.toLowerCase() === 'nan' ? Number.NaN : Number(`${sign}Infinity`);
}

function check(name: string, { type, unit, samples }: OpenMetricsFamily): void {
  const written = suffixes[type] ?? assert.fail(`${name} is of the type ${type}`);
  assert.doesNotMatch(name, /:/, 'colons are for rules');
  assert.ok(unit === '' || name.endsWith(`_${unit}`), `${name} ends in its unit, ${unit}`);
  assert.ok(type !== 'info' || unit === '', 'an info has no unit');
  const ids = samples.map((sample) => JSON.stringify([sample.name, Object.entries(sample.labels).sort()]));
  assert.equal(new Set(ids).size, ids.length, `each sample of ${name} comes once`);
  for (const sample of samples) {
    const suffix = sample.name.slice(name.length);
    assert.ok(sample.name.startsWith(name) && written.includes(suffix), `${sample.name} is not of ${name}`);
    if (type === 'counter' || type === 'histogram') assert.ok(sample.value >= 0, `${sample.name} counts`);
    if (type === 'info') assert.equal(sample.value, 1, name);
    if (sample.exemplar) checkExemplar(sample, suffix);
  }
  if (type !== 'histogram') return;
  checkContiguous(name, samples);
  for (const one of histograms(name, samples)) {
    if (one.sum === undefined && one.count === undefined) checkBuckets(name, one.buckets);
    else checkHistogram(name, one);
  }
  checkExemplarsInBuckets(name, samples);
  for (const { labels } of samples) if (labels.le !== undefined) checkCanonical(labels.le);
}

/** What belongs to one metric stands together. */
function checkContiguous(name: string, samples: readonly Sample[]): void {
  const metrics = samples.map(({ labels: { le, ...labels } }) =>
    JSON.stringify(Object.entries(labels).sort()),
  );
  const changes = metrics.filter((metric, i) => metric !== metrics[i - 1]);
  assert.equal(new Set(changes).size, changes.length, `${name} is not interleaved`);
}

function checkExemplar({ name, exemplar }: OpenMetricsSample, suffix: string): void {
  assert.ok(suffix === '_bucket' || suffix === '_total', `${name} may have no exemplar`);
  const characters = Object.entries(exemplar?.labels ?? {}).flatMap(([label, value]) => [...label, ...value]);
  assert.ok(characters.length <= 128, `the exemplar of ${name} has ${characters.length} characters`);
  assert.ok(Number.isFinite(exemplar?.at ?? 0), `the exemplar of ${name} has a time`);
}

/** Each in the lowest bucket that has room for it. */
function checkExemplarsInBuckets(name: string, samples: readonly OpenMetricsSample[]): void {
  let below = Number.NEGATIVE_INFINITY;
  for (const { labels, exemplar } of samples) {
    if (labels.le === undefined) continue;
    const bound = numberOf(labels.le);
    if (bound < below) below = Number.NEGATIVE_INFINITY;
    if (exemplar) assert.ok(exemplar.value <= bound && exemplar.value > below, `${name}: ${labels.le}`);
    below = bound;
  }
}

/** As Go writes floats with `%g`, six digits before it turns to exponents of two digits, and never an integer. */
function checkCanonical(le: string): void {
  if (le === '+Inf') return;
  assert.match(le, /^-?(?:\d+\.\d+|\d(?:\.\d+)?e[+-]\d\d\d?)$/, `le="${le}"`);
  const value = Math.abs(Number(le));
  const isExponential = value !== 0 && (value < 1e-4 || value >= 1e6);
  assert.equal(le.includes('e'), isExponential, `le="${le}"`);
  const digits = (text: string) =>
    text
      .replace(/e.*$/, '')
      .replace(/\D/g, '')
      .replace(/^0+|0+$/g, '');
  assert.equal(digits(le), digits(String(value)), `le="${le}" is written in the shortest way`);
}

/** No sample of one family could be one of another. */
function checkNames(families: OpenMetricsPage): void {
  const owners = new Map<string, string>();
  for (const [name, { type }] of families) {
    for (const suffix of new Set(['', ...(suffixes[type] ?? [])])) {
      const taken = owners.get(name + suffix);
      assert.equal(taken, undefined, `${name + suffix} could be of ${name} and of ${taken}`);
      owners.set(name + suffix, name);
    }
  }
}
