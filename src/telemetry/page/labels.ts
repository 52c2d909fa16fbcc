import type { Attributes } from '@opentelemetry/api';
import { labelName } from '../prometheus-names.ts';

/**
 * The labels of points, which are the same from one page to the next, as are the objects of their attributes: to make
 * a text of them is most of the work of a page.
 */
export class PageLabels {
  readonly #texts = new WeakMap<Attributes, string>();
  readonly #ofHistograms = new WeakMap<Attributes, string>();

  of(attributes: Attributes): string {
    return known(this.#texts, attributes);
  }

  /** A histogram's buckets have a label of their own. */
  ofHistogram(attributes: Attributes): string {
    return known(this.#ofHistograms, attributes, 'le');
  }
}

function known(texts: WeakMap<Attributes, string>, attributes: Attributes, reserved?: string): string {
  let text = texts.get(attributes);
  if (text === undefined) {
    text = labelsText(attributes, reserved);
    texts.set(attributes, text);
  }
  return text;
}

/**
 * Attributes as they stand between the braces of a sample: in one order, whatever the order of the attributes.
 * An empty label is none, and keys that become one name share it, in the order of the keys.
 * https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#metric-attributes
 *
 * @param reserved A name that is not theirs: a histogram's `le`.
 */
export function labelsText(attributes: Attributes, reserved?: string): string {
  const values = new Map<string, string>();
  for (const key of Object.keys(attributes).sort()) {
    const value = attributes[key];
    const name = nameOf(key);
    if (value === undefined || value === null || value === '') continue;
    // Prometheus refuses a whole page for one sample with a second `__name__`, and keeps its like for itself.
    if (name === '' || name.startsWith('__') || name === reserved) continue;
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    const earlier = values.get(name);
    values.set(name, earlier === undefined ? text : `${earlier};${text}`);
  }
  return [...values.keys()]
    .sort()
    .map((name) => `${name}="${escapeQuoted(values.get(name) ?? '')}"`)
    .join(',');
}

/** The keys of thousands of points are a few, unless a plugin makes them up. */
const names = new Map<string, string>();
const namesMax = 1_000;

function nameOf(key: string): string {
  const known = names.get(key);
  if (known !== undefined) return known;
  const name = labelName(key);
  if (names.size < namesMax) names.set(key, name);
  return name;
}

/** Most texts have nothing to escape. What is no Unicode becomes U+FFFD here already, where equal labels are still found. */
export function escapeQuoted(text: string): string {
  return /["\\\n\ud800-\udfff]/.test(text) ? escapeLine(text).replaceAll('"', '\\"') : text;
}

export function escapeLine(text: string): string {
  return text.toWellFormed().replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
