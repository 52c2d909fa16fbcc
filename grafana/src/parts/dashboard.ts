import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  type DashboardLink,
  DashboardLinkBuilder,
  DashboardLinkType,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { annotations } from './annotations.ts';
import { asBuilders, type Panel } from './panels.ts';
import { variables } from './variables.ts';

export type { Dashboard };

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

interface DashboardOptions {
  readonly id: DashboardId;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
}

/** Each dashboard's name in files and addresses. */
export const dashboardIds = ['traffic', 'latency', 'tokens', 'plugins', 'service'] as const;
export type DashboardId = (typeof dashboardIds)[number];

/** By which the dashboards find each other. */
const tag = 'sightline';

/** Never changes: links and bookmarks lead there. */
export function uidOf(id: DashboardId): string {
  return `sightline-${id}`;
}

/** A row of panels under a title; their widths add up to lines of 24 columns. */
export function row(title: string, panels: readonly Panel[]): Row {
  return { title, panels };
}

/** What all dashboards have: variables, annotations, links to the others, a time range. */
export function dashboard({ id, title, description, rows }: DashboardOptions): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(uidOf(id))
    .description(description)
    .tags([tag])
    .timezone('browser')
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .readonly()
    .variables(asBuilders(variables(rows.flatMap(({ panels }) => panels))))
    .annotations(asBuilders(annotations()))
    .link({ build: toTheOthers });
  let nextId = 1;
  for (const { title: rowTitle, panels } of rows) {
    builder.withRow(new RowBuilder(rowTitle).id(nextId++));
    for (const panel of panels) builder.withPanel({ build: () => ({ ...panel, id: nextId++ }) });
  }
  return builder.build();
}

/** In sight rather than in the menu, where the SDK would have it. */
function toTheOthers(): DashboardLink {
  const { placement: _, ...link } = new DashboardLinkBuilder('Sightline')
    .type(DashboardLinkType.Dashboards)
    .tags([tag])
    .tooltip('The other dashboards of Sightline, at the same time')
    .includeVars(true)
    .keepTime(true)
    .build();
  return link;
}

/**
 * The address of another dashboard with what is looked at here: the time, the instances, and more of its variables by
 * name.
 */
export function addressOf(id: DashboardId, more: Readonly<Record<string, string>>): string {
  const parts = [
    '$__url_time_range',
    ...['datasource', 'job', 'instance'].map((name) => `\${${name}:queryparam}`),
    ...Object.entries(more).map(([name, value]) => `var-${name}=${value}`),
  ];
  return `/d/${uidOf(id)}?${parts.join('&')}`;
}
