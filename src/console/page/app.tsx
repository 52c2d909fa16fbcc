import './shell/shell.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import { AlertsPage } from './alerts/alerts-page.tsx';
import { LivePage } from './live/live-page.tsx';
import { LoginPage } from './login/login-page.tsx';
import { MetricsPage } from './metrics/metrics-page.tsx';
import { useKeys } from './parts/keys.ts';
import { PluginsPage } from './plugins/plugins-page.tsx';
import { address, go, route, views } from './routes.ts';
import { Banners } from './shell/banners.tsx';
import { Boundary } from './shell/boundary.tsx';
import { KeysDialog } from './shell/keys-dialog.tsx';
import { Mark } from './shell/mark.tsx';
import { Navigation } from './shell/navigation.tsx';
import { places, titleOf } from './shell/places.ts';
import { Status } from './shell/status.tsx';
import { connection } from './state/events.ts';
import { info } from './state/info.ts';
import { TracePage } from './trace/trace-page.tsx';
import { TryPage } from './try/try-page.tsx';

/** The whole page: where one is, where one can go, and the view itself. */
export function App() {
  const isLocked = connection.value === 'locked';
  const { view, id } = route.value;
  useArrival(
    isLocked ? 'login' : `${view}/${id ?? ''}`,
    isLocked ? 'Sign in · Sightline' : titleOf(route.value),
  );
  return <Boundary>{isLocked ? <LoginPage /> : <Shell />}</Boundary>;
}

/** Whoever comes to a view is at its beginning, also those who listen. Where the page begins, the browser decides. */
function useArrival(place: string, title: string): void {
  const last = useRef(place);
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    if (last.current === place) return;
    last.current = place;
    // It has one field, and focuses that.
    if (place === 'login') return;
    document.querySelector('main')?.scrollTo(0, 0);
    const start = document.querySelector<HTMLElement>('main h1') ?? document.querySelector('main');
    start?.focus({ preventScroll: true });
  }, [place]);
}

function Shell() {
  const [hasKeysOpen, setKeysOpen] = useState(false);
  useKeys({
    ...Object.fromEntries(
      views.map((view) => [
        `g ${places[view].key}`,
        { label: `Go to ${places[view].title}`, run: () => go(address(view)) },
      ]),
    ),
    '?': { label: 'Show all keys', run: () => setKeysOpen(true) },
  });
  return (
    <div class="shell">
      <button type="button" class="skip-link" onClick={() => document.querySelector('main')?.focus()}>
        Skip to the view
      </button>
      <header class="brand">
        <a href={address('live')}>
          <Mark />
          <span>Sightline</span>
        </a>
      </header>
      <Navigation />
      <main tabIndex={-1}>
        <Banners />
        <View />
      </main>
      <Status onKeys={() => setKeysOpen(true)} />
      <KeysDialog open={hasKeysOpen} onClose={() => setKeysOpen(false)} />
    </div>
  );
}

function View() {
  const { view, id, query } = route.value;
  // Views may count on what the service tells of itself, where it tells anything.
  if (!info.value && connection.value !== 'lost') return null;
  return (
    <div class={`view view-${view}`}>
      <Boundary key={`${view}/${id}`}>
        {view === 'live' && <LivePage query={query} />}
        {view === 'traces' && id !== undefined && <TracePage traceId={id} query={query} />}
        {view === 'metrics' && <MetricsPage query={query} />}
        {view === 'plugins' && <PluginsPage query={query} />}
        {view === 'alerts' && <AlertsPage query={query} />}
        {view === 'try' && <TryPage query={query} />}
      </Boundary>
    </div>
  );
}
