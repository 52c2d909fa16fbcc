import type { Attributes } from '@opentelemetry/api';
import { labelName } from '../prometheus-names.ts';

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
    const name = labelName(key);
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

/** What is no Unicode becomes U+FFFD here already, where equal labels are still found. */
export function escapeQuoted(text: string): string {
  return escapeLine(text).replaceAll('"', '\\"');
}

export function escapeLine(text: string): string {
  return text.toWellFormed().replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
