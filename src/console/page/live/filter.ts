import { outcomes } from '../../../exchange/outcome.ts';

/** What of the exchanges is shown. All that is chosen of one field counts; all fields must fit. */
export interface Filter {
  readonly text: string;
  readonly outcome: readonly string[];
  readonly model: readonly string[];
  readonly upstream: readonly string[];
  readonly tenant: readonly string[];
  /** Of the time in which they ran: ms since the epoch or ISO 8601. */
  readonly from: string;
  readonly to: string;
  /** They took, or have taken so far, at least so long: whole ms. */
  readonly minDurationMs: string;
}

export const choices = ['outcome', 'model', 'upstream', 'tenant'] as const;
export type Choice = (typeof choices)[number];

/** As the page's address has it; anything else in there is passed over, outcomes that do not exist too. */
export function readFilter(query: URLSearchParams): Filter {
  const all = (name: string) => [...new Set(query.getAll(name).filter((value) => value !== ''))];
  return {
    text: query.get('text') ?? '',
    outcome: all('outcome').filter((value) => Object.hasOwn(outcomes, value)),
    model: all('model'),
    upstream: all('upstream'),
    tenant: all('tenant'),
    from: query.get('from') ?? '',
    to: query.get('to') ?? '',
    minDurationMs: /^0*[1-9]\d{0,11}$/.exec(query.get('minDurationMs') ?? '')?.[0] ?? '',
  };
}

export const noFilter: Filter = readFilter(new URLSearchParams());

export function isFiltered(filter: Filter): boolean {
  return Object.values(filter).some((value) => value.length > 0);
}

export function withChoice(filter: Filter, choice: Choice, value: string, isChosen: boolean): Filter {
  const others = filter[choice].filter((other) => other !== value);
  return { ...filter, [choice]: isChosen ? [...others, value] : others };
}

/** Path and query of a window: `more` are its own parameters, such as `after` and `limit`. */
export function exchangesPath(filter: Filter, more: Readonly<Record<string, string | number>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...filter, ...more }))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== '') query.append(name, String(one));
  return `/api/exchanges?${query}`;
}

/** The two ends of a time range as ms since the epoch; absent where none was given or it is no time. */
export function timeRange({ from, to }: Filter): { readonly fromMs?: number; readonly toMs?: number } {
  const fromMs = timeOf(from);
  const toMs = timeOf(to);
  return { ...(fromMs !== undefined && { fromMs }), ...(toMs !== undefined && { toMs }) };
}

function timeOf(text: string): number | undefined {
  if (text === '') return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
