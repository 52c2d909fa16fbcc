import type { ExchangeRow } from './exchange-row.ts';

export interface ValueCount {
  readonly value: string;
  readonly count: number;
}

/** What these rows can be filtered by, the most frequent first; at most `countMax` of each. */
export function filterValues(rows: Iterable<ExchangeRow>, countMax: number) {
  const [outcomes, models, upstreams, tenants] = [tally(), tally(), tally(), tally()];
  for (const { outcome, model, upstream, tenant } of rows) {
    outcomes.add(outcome);
    models.add(model);
    upstreams.add(upstream);
    tenants.add(tenant);
  }
  return {
    outcomes: outcomes.most(countMax),
    models: models.most(countMax),
    upstreams: upstreams.most(countMax),
    tenants: tenants.most(countMax),
  };
}

function tally() {
  const counts = new Map<string, number>();
  return {
    add(value: string | undefined): void {
      if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
    },
    most(countMax: number): ValueCount[] {
      return Array.from(counts, ([value, count]) => ({ value, count }))
        .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
        .slice(0, countMax);
    },
  };
}
