import type { IconName } from '../parts/icon.tsx';
import type { Route, ViewName } from '../route.ts';

interface Place {
  readonly title: string;
  readonly icon: IconName;
  /** After a `g`. */
  readonly key: string;
}

export const places: Readonly<Record<ViewName, Place>> = {
  live: { title: 'Live', icon: 'live', key: 'l' },
  metrics: { title: 'Metrics', icon: 'metrics', key: 'm' },
  plugins: { title: 'Plugins', icon: 'plugins', key: 'p' },
  alerts: { title: 'Alerts', icon: 'alerts', key: 'a' },
  try: { title: 'Try it', icon: 'try', key: 't' },
};

/** Of the window: what is told apart in a row of tabs comes first. */
export function titleOf({ view, id }: Pick<Route, 'view' | 'id'>): string {
  const place = view === 'traces' ? `Trace ${(id ?? '').slice(0, 8)}` : places[view].title;
  return `${place} · Sightline`;
}
