import { computed, signal } from '@preact/signals';

/** The views, in the order of the navigation. */
export const views = ['live', 'metrics', 'plugins', 'alerts', 'try'] as const;
export type ViewName = (typeof views)[number];

/**
 * What the page shows, as its address says it: `#/live?outcome=failed`, `#/traces/4bf9…?span=00f0…`. A view keeps what
 * one would send to a colleague in `query`.
 */
export interface Route {
  readonly view: ViewName | 'traces';
  /** Of `traces`: the trace's id. */
  readonly id: string | undefined;
  readonly query: URLSearchParams;
}

export function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [view, id] = path.split('/', 2);
  const isView = view === 'traces' ? Boolean(id) : (views as readonly (string | undefined)[]).includes(view);
  return {
    view: isView ? (view as Route['view']) : 'live',
    id: view === 'traces' ? id : undefined,
    query: new URLSearchParams(query),
  };
}

/** For `href`: values that are undefined or empty are left out. */
export function address(
  view: ViewName | 'traces',
  { id, ...query }: Readonly<Record<string, string | readonly string[] | undefined>> = {},
): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of typeof value === 'string' ? [value] : (value ?? []))
      if (one !== '') params.append(name, one);
  const path = typeof id === 'string' ? `${view}/${encodeURIComponent(id)}` : view;
  return `#/${path}${params.size > 0 ? `?${params}` : ''}`;
}

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
});

export const route = computed(() => readRoute(hash.value));

/** `replace`: the browser's way back does not lead here again. */
export function go(to: string, { replace = false } = {}): void {
  if (replace) {
    history.replaceState(null, '', to);
    hash.value = location.hash;
  } else location.hash = to;
}
