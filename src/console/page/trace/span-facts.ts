import type { AttributeValue, TraceSpan } from '../../../admin/api/traces.ts';
import type { Outcome } from '../../../exchange/outcome.ts';
import { attribute } from '../../../telemetry/names.ts';

/** What a span tells of. `other` is a plugin's own span. */
export type SpanRole =
  | 'request'
  | 'session'
  | 'attempt'
  | 'connection'
  | 'turn'
  | 'middleware'
  | 'hook'
  | 'other';

/** Each as it is said to people. */
export const roleNames: Readonly<Record<SpanRole, string>> = {
  request: 'Request',
  session: 'Session',
  attempt: 'Attempt',
  connection: 'Connection',
  turn: 'Turn',
  middleware: 'Middleware',
  hook: 'Hook',
  other: 'Span',
};

export function roleOf(span: TraceSpan): SpanRole {
  const has = (key: string) => span.attributes[key] !== undefined;
  if (has(attribute.middleware)) return 'middleware';
  if (has(attribute.hookPoint)) return 'hook';
  if (span.kind === 'SERVER') return has(attribute.sessionProtocol) ? 'session' : 'request';
  if (span.kind !== 'CLIENT') return 'other';
  if (has(attribute.sessionTurn)) return 'turn';
  if (!has(attribute.attempt)) return 'other';
  return has(attribute.sessionId) && !has(attribute.genAiOperationName) ? 'connection' : 'attempt';
}

/** A name short enough for a row, and who it belongs to where that is not said by it. */
export interface SpanLabel {
  readonly name: string;
  readonly detail: string | undefined;
}

export function labelOf(span: TraceSpan): SpanLabel {
  const role = roleOf(span);
  const plugin = textOf(span, attribute.plugin);
  if (role === 'middleware') {
    const name = textOf(span, attribute.middleware) ?? span.name;
    // Plugins mostly name it after themselves.
    const isSaid = plugin === undefined || name === plugin || name.startsWith(`${plugin}/`);
    return { name, detail: joined(textOf(span, attribute.phase), isSaid ? undefined : `plugin ${plugin}`) };
  }
  if (role === 'hook') return { name: plugin ?? span.name, detail: textOf(span, attribute.hookPoint) };
  if (role === 'attempt') {
    const number = numberOf(span, attribute.attempt);
    const retry = number !== undefined && number > 1 ? `attempt ${number}` : undefined;
    return { name: span.name, detail: joined(textOf(span, attribute.upstream), retry) };
  }
  if (role === 'turn') {
    const number = numberOf(span, attribute.sessionTurn);
    return { name: span.name, detail: number === undefined ? undefined : `turn ${number}` };
  }
  return { name: span.name, detail: plugin && `plugin ${plugin}` };
}

/** What went wrong, in a word; undefined where nothing did, or the client alone ended it. */
export function problemOf(span: TraceSpan): string | undefined {
  const type = textOf(span, attribute.errorType);
  if (type !== undefined) return type;
  if (span.status.code === 'ERROR') return span.status.message || 'error';
  // What was refused here is no error of the span, and still no success.
  const outcome = outcomeOf(span);
  return outcome === 'completed' || outcome === 'client_aborted' ? undefined : outcome;
}

export function outcomeOf(span: TraceSpan): Outcome | undefined {
  return textOf(span, attribute.outcome) as Outcome | undefined;
}

export function textOf({ attributes }: TraceSpan, key: string): string | undefined {
  const value = attributes[key];
  return typeof value === 'string' ? value : undefined;
}

export function numberOf({ attributes }: TraceSpan, key: string): number | undefined {
  const value = attributes[key];
  return typeof value === 'number' ? value : undefined;
}

/** A value as text; lists as JSON. */
export function shown(value: AttributeValue): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function joined(...parts: readonly (string | undefined)[]): string | undefined {
  return parts.filter((part) => part !== undefined && part !== '').join(' · ') || undefined;
}
