import * as common from '@grafana/grafana-foundation-sdk/common';
import type {
  DashboardLink,
  DataTransformerConfig,
  DynamicConfigValue,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/table';
import { limitOf } from './limits.ts';
import { asBuilders, asDashboardLink, finish, type Panel, type PanelOptions } from './panels.ts';
import { labelsOf, type Narrowing, narrowing } from './promql.ts';
import { query, refId, targets } from './queries.ts';
import { linksOfCell } from './series.ts';

interface Column {
  readonly title: string;
  /** Id of Grafana's unit. */
  readonly unit: string;
  /** One series for each row. */
  readonly expression: string;
  readonly decimals?: number;
  /** Id of the threshold: beyond its limit the cell is coloured. */
  readonly limit?: string;
}

interface TableOptions extends Omit<PanelOptions, 'unit'> {
  /** What tells rows apart: title of a column by the attribute. */
  readonly rows: Readonly<Record<string, string>>;
  readonly columns: readonly Column[];
  /** Title of the column that it is sorted by, the largest first; the first of `columns` if none is named. */
  readonly sortBy?: string;
}

/** Figures of now, side by side. */
export function table(options: TableOptions): Panel {
  const { rows, columns } = options;
  const sort = new common.TableSortByFieldStateBuilder()
    .displayName(options.sortBy ?? columns[0]?.title ?? '')
    .desc(true);
  const panel = new PanelBuilder()
    .targets(
      asBuilders(
        targets(
          columns.map(({ expression, title }) => query(expression, title)),
          'table',
        ),
      ),
    )
    .sortBy([sort])
    .cellHeight(common.TableCellHeight.Sm);
  for (const step of joined(rows, columns)) panel.withTransformation(step);
  for (const column of columns) panel.overrideByName(column.title, looks(column));
  for (const [key, title] of Object.entries(rows)) {
    const variable = (Object.keys(narrowing) as Narrowing[]).find((one) => narrowing[one] === key);
    if (variable) panel.overrideByName(title, [{ id: 'links', value: cellLinks(variable) }]);
  }
  return finish(panel, { ...options, unit: 'short' });
}

/** From the name of an upstream, a model or a tenant to more of it. */
function cellLinks(variable: Narrowing): DashboardLink[] {
  return linksOfCell(variable).map((link) => asDashboardLink(link).build());
}

/** One table of all queries, with one row for each set of labels, and names for people. */
function joined(rows: TableOptions['rows'], columns: readonly Column[]): DataTransformerConfig[] {
  const labels = labelsOf({ by: Object.keys(rows) });
  const titles = Object.values(rows);
  const values = columns.map((_, i) => (columns.length === 1 ? 'Value' : `Value #${refId(i)}`));
  const order = [...labels, ...values];
  return [
    { id: 'merge', options: {} },
    {
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        indexByName: Object.fromEntries(order.map((name, i) => [name, i])),
        renameByName: Object.fromEntries([
          ...labels.map((label, i) => [label, titles[i]]),
          ...values.map((value, i) => [value, columns[i]?.title]),
        ]),
      },
    },
  ];
}

function looks({ unit, decimals, limit }: Column): DynamicConfigValue[] {
  const properties: DynamicConfigValue[] = [{ id: 'unit', value: unit }];
  if (decimals !== undefined) properties.push({ id: 'decimals', value: decimals });
  if (limit !== undefined)
    properties.push(
      { id: 'custom.cellOptions', value: { type: 'color-text' } },
      { id: 'thresholds', value: { mode: 'absolute', steps: limitOf(limit, unit).steps } },
    );
  return properties;
}
