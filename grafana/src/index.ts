import { dataSources } from './data-sources.ts';
import { latency } from './latency.ts';
import { type Dashboard, type DashboardId, dashboardIds } from './parts/dashboard.ts';
import { plugins } from './plugins.ts';
import { service } from './service.ts';
import { tokens } from './tokens.ts';
import { traffic } from './traffic.ts';

const makers: Readonly<Record<DashboardId, () => Dashboard>> = { traffic, latency, tokens, plugins, service };

export function dashboards(): Dashboard[] {
  return dashboardIds.map((id) => makers[id]());
}

/** Files that are made of these sources and committed, by their paths from the root of the repository. */
export const grafanaFiles: Readonly<Record<string, () => string>> = {
  ...Object.fromEntries(
    dashboardIds.map((id) => [
      `grafana/dashboards/${id}.json`,
      () => `${JSON.stringify(makers[id](), null, 2)}\n`,
    ]),
  ),
  'grafana/provisioning/datasources/sightline.yaml': dataSources,
};
