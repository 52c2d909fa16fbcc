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
import { narrowing } from './promql.ts';
import { consoleUrl, variables } from './variables.ts';

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
function uidOf(id: DashboardId): string {
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
    .link({ build: toTheOthers })
    .link({ build: toTheConsole });
  let nextId = 1;
  for (const { title: rowTitle, panels } of rows) {
    builder.withRow(new RowBuilder(rowTitle).id(nextId++));
    for (const panel of panels) builder.withPanel({ build: () => ({ ...panel, id: nextId++ }) });
  }
  return builder.build();
}

function toTheOthers(): DashboardLink {
  return inSight(
    new DashboardLinkBuilder('Sightline')
      .type(DashboardLinkType.Dashboards)
      .tags([tag])
      .tooltip('The other dashboards of Sightline, at the same time')
      .includeVars(true)
      .keepTime(true),
  );
}

function toTheConsole(): DashboardLink {
  return inSight(
    new DashboardLinkBuilder('Console')
      .type(DashboardLinkType.Link)
      .url(`${consoleUrl}/#/live?from=\${__from}&to=\${__to}`)
      .icon('external link')
      .tooltip('The exchanges of this time, one by one, in the console of Sightline')
      .targetBlank(true),
  );
}

/** Rather than in the menu, where the SDK would have it. */
function inSight(builder: DashboardLinkBuilder): DashboardLink {
  const { placement: _, ...link } = builder.build();
  return link;
}

/**
 * The address of another dashboard with what is looked at here: the time, and the values of all variables but those
 * that are given.
 */
export function addressOf(id: DashboardId, values: Readonly<Record<string, string>> = {}): string {
  const kept = ['datasource', 'job', 'instance', ...Object.keys(narrowing)].filter(
    (name) => !(name in values),
  );
  const parts = [
    '$__url_time_range',
    ...kept.map((name) => `\${${name}:queryparam}`),
    ...Object.entries(values).map(([name, value]) => `var-${name}=${value}`),
  ];
  return `/d/${uidOf(id)}?${parts.join('&')}`;
}
