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
  /** What the address has in the place of a view, where there is none of that name: `view` is Live then. */
  readonly unknown: string | undefined;
}

export function readRoute(hash: string): Route {
  const [, path = '', query = ''] = /^#?\/?([^?]*)\??(.*)$/s.exec(hash) ?? [];
  const [view, encoded = ''] = path.split('/', 2);
  const id = decoded(encoded);
  const isView = view === 'traces' ? id !== '' : (views as readonly (string | undefined)[]).includes(view);
  return {
    view: isView ? (view as Route['view']) : 'live',
    id: view === 'traces' && id !== '' ? id : undefined,
    query: new URLSearchParams(query),
    unknown: isView || path === '' ? undefined : path,
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

/** As it stands where it was typed by somebody who does not encode. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
