/**
 * OpenTelemetry's names as Prometheus writes them when it receives OTLP, with its default strategy
 * `UnderscoreEscapingWithSuffixes`.
 * https://github.com/prometheus/otlptranslator
 */

export type MetricKind = 'counter' | 'up_down_counter' | 'gauge' | 'histogram';

/** UCUM units that have another name in Prometheus. One that is not here keeps its own. */
const units: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  TiBy: 'tebibytes',
  KBy: 'kilobytes',
  MBy: 'megabytes',
  GBy: 'gigabytes',
  TBy: 'terabytes',
  m: 'meters',
  V: 'volts',
  A: 'amperes',
  J: 'joules',
  W: 'watts',
  g: 'grams',
  Cel: 'celsius',
  Hz: 'hertz',
  '%': 'percent',
  '1': '',
};

/** After the slash of a rate: `By/s`. */
const perUnits: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  mo: 'month',
  y: 'year',
};

/** The name of the metric's family, with the suffixes that its unit and kind ask for. */
export function metricName(name: string, unit: string, kind: MetricKind): string {
  let words = name.split(/[^a-zA-Z0-9:]+/).filter((word) => word !== '');
  for (const suffix of unitSuffixes(unit)) if (!words.includes(suffix)) words.push(suffix);
  const last = kind === 'counter' ? 'total' : kind === 'gauge' && unit === '1' ? 'ratio' : undefined;
  // What the name has of it already moves to its end.
  if (last !== undefined) words = [...words.filter((word) => word !== last), last];
  const joined = words.join('_');
  return /^[0-9]/.test(joined) ? `_${joined}` : joined;
}

/** The unit as the metric's name has it, where it has it at its end: `seconds`, `bytes_per_second`, or nothing. */
export function unitName(unit: string, kind: MetricKind): string {
  return kind === 'gauge' && unit === '1' ? 'ratio' : unitSuffixes(unit).join('_');
}

export function labelName(key: string): string {
  const name = key.replace(/[^a-zA-Z0-9_]/gu, '_');
  if (/^[0-9]/.test(name)) return `key_${name}`;
  // Two underscores are Prometheus's own; one at the beginning is nobody's.
  return /^_(?!_)/.test(name) ? `key${name}` : name;
}

/** Annotations in braces are no units: `{token}`. */
function unitSuffixes(unit: string): string[] {
  const [main = '', per = ''] = unit.split(/\/(.*)/s, 2).map((part) => part.trim());
  const suffixes: string[] = [];
  if (!/[{}]/.test(main)) suffixes.push(word(units[main] ?? main));
  if (per !== '' && !/[{}]/.test(per)) suffixes.push(`per_${word(perUnits[per] ?? per)}`);
  return suffixes.filter((suffix) => suffix !== '');
}

function word(text: string): string {
  return text.replace(/[^a-zA-Z0-9:]+/g, '_').replace(/^_|_$/g, '');
}
