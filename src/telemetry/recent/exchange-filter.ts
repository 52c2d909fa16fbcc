import type { ExchangeRow } from './exchange-row.ts';

/** What exchanges are looked for by. Of a list, any value will do; what is undefined does not matter. */
export interface ExchangeFilter {
  /** They ran at some moment between these times, ms since the epoch. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** They took, or have taken so far, at least so many ms. */
  readonly minDurationMs?: number | undefined;
  readonly id?: string | undefined;
  /** It is in one of the texts that people look for; case does not matter. */
  readonly text?: string | undefined;
  readonly outcome?: readonly string[] | undefined;
  readonly model?: readonly string[] | undefined;
  readonly upstream?: readonly string[] | undefined;
  readonly tenant?: readonly string[] | undefined;
}

type Test = (row: ExchangeRow) => boolean;

/** Only what is asked for costs something: a row is held against ten thousand times as much of it. */
export function matcherOf(filter: ExchangeFilter): Test {
  const { from, to, minDurationMs, id, text, outcome, model, upstream, tenant } = filter;
  const tests: Test[] = [];
  if (from !== undefined) tests.push(({ startedAtMs, durationMs }) => startedAtMs + durationMs >= from);
  if (to !== undefined) tests.push(({ startedAtMs }) => startedAtMs <= to);
  if (minDurationMs !== undefined) tests.push(({ durationMs }) => durationMs >= minDurationMs);
  if (id !== undefined) tests.push((row) => row.id === id);
  if (outcome) tests.push((row) => isOneOf(outcome, row.outcome));
  if (model) tests.push((row) => isOneOf(model, row.model));
  if (upstream) tests.push((row) => isOneOf(upstream, row.upstream));
  if (tenant) tests.push((row) => isOneOf(tenant, row.tenant));
  if (text) tests.push(hasText(text));
  return (row) => tests.every((isMet) => isMet(row));
}

function isOneOf(values: readonly string[], value: string | undefined): boolean {
  return value !== undefined && values.includes(value);
}

function hasText(text: string): Test {
  // Codes are shown to people as words: `rate_limit_exceeded`.
  const source = text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll(' ', '[ _]');
  const pattern = new RegExp(source, 'i');
  const isIn = (value: string | undefined) => value !== undefined && pattern.test(value);
  return ({ path, model, upstream, tenant, id, traceId, error }) =>
    isIn(path) || isIn(model) || isIn(upstream) || isIn(tenant) || isIn(id) || isIn(traceId) || isIn(error);
}
