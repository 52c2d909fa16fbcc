import './navigation.css';
import type { PluginsView } from '../../../admin/api/plugins.ts';
import { Icon } from '../parts/icon.tsx';
import { address, route, type ViewName, views } from '../routes.ts';
import { alerts, pluginsChanged } from '../state/events.ts';
import { info } from '../state/info.ts';
import { useData } from '../state/use-data.ts';
import { places } from './places.ts';

interface Badge {
  readonly count: number;
  /** What is counted, for those who listen. */
  readonly of: string;
}

export function Navigation() {
  const badges = useBadges();
  return (
    <nav class="nav" aria-label="Views">
      {views.map((view) => (
        <a key={view} href={address(view)} aria-current={currentOf(view)}>
          <Icon name={places[view].icon} />
          <span class="nav-title">{places[view].title}</span>
          <BadgeOf badge={badges[view]} />
        </a>
      ))}
    </nav>
  );
}

/** A trace has no place of its own: it is one of the exchanges that Live lists. */
function currentOf(view: ViewName): 'page' | 'true' | undefined {
  if (route.value.view === view) return 'page';
  return view === 'live' && route.value.view === 'traces' ? 'true' : undefined;
}

function BadgeOf({ badge }: { readonly badge: Badge | undefined }) {
  if (!badge || badge.count === 0) return null;
  return (
    <span class="badge">
      {badge.count > 99 ? '99+' : badge.count}
      <span class="visually-hidden"> {badge.of}</span>
    </span>
  );
}

function useBadges(): Partial<Record<ViewName, Badge>> {
  // The stream begins with a word about them.
  const changes = pluginsChanged.value;
  const { data } = useData<PluginsView>(info.value && changes > 0 ? '/api/plugins' : undefined, changes);
  const firing = alerts.value?.alerts.filter(({ state }) => state === 'firing').length ?? 0;
  const rejected = data?.plugins.filter((plugin) => plugin.rejected).length ?? 0;
  return {
    alerts: { count: firing, of: firing === 1 ? 'alert fires' : 'alerts fire' },
    plugins: { count: rejected, of: rejected === 1 ? 'plugin rejected' : 'plugins rejected' },
  };
}
