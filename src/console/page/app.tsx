import './styles/base.css';
import { AlertsPage } from './alerts/alerts-page.tsx';
import { LivePage } from './live/live-page.tsx';
import { MetricsPage } from './metrics/metrics-page.tsx';
import { PluginsPage } from './plugins/plugins-page.tsx';
import { address, route, views } from './routes.ts';
import { TracePage } from './trace/trace-page.tsx';
import { TryPage } from './try/try-page.tsx';

/** The whole page: where one is, where one can go, and the view itself. */
export function App() {
  return (
    <>
      <nav aria-label="Views">
        {views.map((view) => (
          <a key={view} href={address(view)} aria-current={route.value.view === view ? 'page' : undefined}>
            {view}
          </a>
        ))}
      </nav>
      <main>
        <View />
      </main>
    </>
  );
}

function View() {
  const { view, id, query } = route.value;
  if (view === 'traces' && id !== undefined) return <TracePage traceId={id} query={query} />;
  if (view === 'metrics') return <MetricsPage query={query} />;
  if (view === 'plugins') return <PluginsPage query={query} />;
  if (view === 'alerts') return <AlertsPage query={query} />;
  if (view === 'try') return <TryPage query={query} />;
  return <LivePage query={query} />;
}
