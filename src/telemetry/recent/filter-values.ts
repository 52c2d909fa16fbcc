import type { ExchangeRow } from './exchange-row.ts';

export interface ValueCount {
  readonly value: string;
  readonly count: number;
  /** Of the model, into it and out of it, as far as upstreams have told. */
  readonly tokens: number;
}

/** What these rows can be filtered by, the most frequent first; at most `countMax` of each. */
export function filterValues(rows: Iterable<ExchangeRow>, countMax: number) {
  const [outcomes, models, upstreams, tenants] = [tally(), tally(), tally(), tally()];
  for (const { outcome, model, upstream, tenant, inputTokens = 0, outputTokens = 0 } of rows) {
    const tokens = inputTokens + outputTokens;
    outcomes.add(outcome, tokens);
    models.add(model, tokens);
    upstreams.add(upstream, tokens);
    tenants.add(tenant, tokens);
  }
  return {
    outcomes: outcomes.most(countMax),
    models: models.most(countMax),
    upstreams: upstreams.most(countMax),
    tenants: tenants.most(countMax),
  };
}

function tally() {
  const counts = new Map<string, { value: string; count: number; tokens: number }>();
  return {
    add(value: string | undefined, tokens: number): void {
      if (value === undefined) return;
      const known = counts.get(value);
      if (known) {
        known.count += 1;
        known.tokens += tokens;
      } else counts.set(value, { value, count: 1, tokens });
    },
    most(countMax: number): ValueCount[] {
      return [...counts.values()]
        .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
        .slice(0, countMax);
    },
  };
}
