import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmaps from '@grafana/grafana-foundation-sdk/heatmap';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as LinesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { type Limit, limitOf } from './limits.ts';
import { buckets, type Histogram, nameless, type Scope } from './promql.ts';
import { prometheus, type Query, query, targets } from './queries.ts';

export type Panel = dashboard.Panel;

export interface PanelOptions {
  readonly title: string;
  /** What it shows, and what to make of it; in Markdown. */
  readonly description: string;
  /** Id of Grafana's unit. */
  readonly unit: string;
  /** Of the 24 columns. */
  readonly width: number;
  readonly height?: number;
}

interface QueryOptions extends PanelOptions {
  readonly queries: readonly Query[];
  /** Id of the threshold whose limit is shown. */
  readonly limit?: string;
  /** Instead of "No data": what that means. */
  readonly noValue?: string;
}

interface FigureOptions extends QueryOptions {
  readonly links?: readonly DataLink[];
  /** Red above 0, where no alert has a limit for it. */
  readonly isTrouble?: boolean;
}

interface LinesOptions extends QueryOptions {
  readonly isStacked?: boolean;
  /** By the name of a series; all that fit `/^5/` get shades of one. */
  readonly colors?: Readonly<Record<string, string>>;
  readonly links?: readonly DataLink[];
  /** May go below zero. */
  readonly isSigned?: boolean;
  readonly max?: number;
}

/** From a series to another dashboard. */
export interface DataLink {
  readonly title: string;
  readonly url: string;
}

const noSteps = [{ value: null, color: 'text' }];
const trouble = [
  { value: null, color: 'green' },
  { value: 0.001, color: 'red' },
];
const heights = { graph: 8, stat: 4 };

/** Figures over time. */
export function lines(options: LinesOptions): Panel {
  const { queries, width, isStacked = false, colors = {}, links = [], isSigned = false, max } = options;
  const panel = new LinesBuilder()
    .targets(asBuilders(targets(queries, 'lines')))
    .lineWidth(1)
    .fillOpacity(isStacked ? 40 : 0)
    .showPoints(common.VisibilityMode.Auto)
    .legend(legend(width))
    .tooltip(tooltip())
    // An upstream, a model and an instance has its colour on all panels.
    .colorScheme(color(dashboard.FieldColorModeId.PaletteClassicByName))
    .dataLinks(links.map(asDashboardLink));
  if (!isSigned) panel.min(0);
  if (max !== undefined) panel.max(max);
  if (isStacked) panel.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal));
  for (const [name, fixedColor] of Object.entries({ ...colorOfNameless(queries), ...colors })) {
    if (name.startsWith('/'))
      panel.overrideByRegexp(name, [{ id: 'color', value: { mode: 'shades', fixedColor } }]);
    else panel.overrideByName(name, [{ id: 'color', value: { mode: 'fixed', fixedColor } }]);
  }
  const limit = limitFor(options);
  if (limit) {
    const style = new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed);
    panel.thresholds(thresholds(limit.steps)).thresholdsStyle(style);
  }
  return finish(panel, options, limit && `The dashed line: ${unCapitalized(limit.sentence)}`);
}

/** Rather than one that some upstream or tenant may have. */
function colorOfNameless(queries: readonly Query[]): Readonly<Record<string, string>> {
  return queries.some(({ expression }) => expression.includes(`"${nameless}"`)) ? { [nameless]: 'text' } : {};
}

/** One figure, of now: what was before, and is no more, would say the wrong thing. */
export function figure(options: FigureOptions): Panel {
  const limit = limitFor(options);
  const steps = limit?.steps ?? (options.isTrouble ? trouble : undefined);
  const panel = new StatBuilder()
    .targets(asBuilders(targets(options.queries, 'figure')))
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .graphMode(common.BigValueGraphMode.None)
    .colorMode(steps ? common.BigValueColorMode.Value : common.BigValueColorMode.None)
    .thresholds(thresholds(steps ?? noSteps))
    .dataLinks((options.links ?? []).map(asDashboardLink));
  return finish(panel, { height: heights.stat, ...options }, limit?.sentence);
}

/** The distribution of a histogram over time; its exemplars lead to traces. */
export function heatmap(
  options: PanelOptions & { readonly of: Histogram; readonly scope?: Scope; readonly noValue?: string },
): Panel {
  const { of, scope, unit } = options;
  const color = new heatmaps.HeatmapColorOptionsBuilder()
    .mode(heatmaps.HeatmapColorMode.Scheme)
    .scheme('Oranges')
    .scale(heatmaps.HeatmapColorScale.Exponential)
    .exponent(0.5)
    .steps(64);
  const panel = new heatmaps.PanelBuilder()
    .targets(asBuilders(targets([query(buckets(of, scope), '{{le}}')], 'heatmap')))
    .calculate(false)
    .color(color)
    .yAxis(new heatmaps.YAxisConfigBuilder().unit(unit))
    .cellValues(new heatmaps.CellValuesBuilder().unit('cps'))
    .tooltip(new heatmaps.HeatmapTooltipBuilder().mode(common.TooltipDisplayMode.Single).yHistogram(true))
    .showLegend();
  return finish(panel, options, 'Each mark is a request: click it for its trace.');
}

/** What a number of a timeline means. */
export interface State {
  readonly text: string;
  readonly color: string;
}

/** States over time, a line for each series: since when. */
export function timeline(
  options: Omit<QueryOptions, 'unit'> & { readonly states: Readonly<Record<string, State>> },
): Panel {
  const limit = options.limit === undefined ? undefined : limitOf(options.limit, 'short');
  const mapping: dashboard.ValueMap = {
    type: dashboard.MappingType.ValueToText,
    options: { ...options.states },
  };
  const panel = new TimelineBuilder()
    .targets(asBuilders(targets(options.queries, 'lines')))
    .mappings([mapping])
    .thresholds(thresholds(limit?.steps ?? noSteps))
    .mergeValues(true)
    .showValue(common.VisibilityMode.Auto)
    .legend(legend(0))
    .tooltip(tooltip());
  return finish(panel, { ...options, unit: 'short' }, limit?.sentence);
}

/** The alerts of the rules that Prometheus has, as Grafana lists them. */
export function alertList(options: PanelOptions): Panel {
  const panel = new dashboard.PanelBuilder().type('alertlist').options({
    viewMode: 'list',
    groupMode: 'default',
    groupBy: [],
    maxItems: 30,
    // By importance.
    sortOrder: 3,
    dashboardAlerts: false,
    alertName: 'Sightline',
    alertInstanceLabelFilter: '',
    showInstances: true,
    showInactiveAlerts: false,
    stateFilter: { firing: true, pending: true, recovering: true, noData: true, normal: false, error: true },
  });
  return finish(panel, options);
}

/** What the builders of all kinds of panels have. */
interface AnyBuilder {
  title(title: string): unknown;
  description(description: string): unknown;
  unit(unit: string): unknown;
  span(columns: number): unknown;
  height(rows: number): unknown;
  datasource(datasource: common.DataSourceRef): unknown;
  noValue(text: string): unknown;
  build(): Panel;
}

/** What all panels have. `more` is said at the end of the description. */
export function finish(
  builder: AnyBuilder,
  options: PanelOptions & { noValue?: string },
  more?: string,
): Panel {
  const { title, description, unit, width, height = heights.graph, noValue } = options;
  builder.title(title);
  builder.description([description, more].filter((part) => part !== undefined).join('\n\n'));
  builder.unit(unit);
  builder.span(width);
  builder.height(height);
  builder.datasource(prometheus);
  if (noValue !== undefined) builder.noValue(noValue);
  return builder.build();
}

/** Builders of the SDK take builders. */
export function asBuilders<Thing>(things: readonly Thing[]): { build(): Thing }[] {
  return things.map((thing) => ({ build: () => thing }));
}

export function asDashboardLink({ title, url }: DataLink): dashboard.DashboardLinkBuilder {
  return new dashboard.DashboardLinkBuilder(title).type(dashboard.DashboardLinkType.Link).url(url);
}

function color(mode: dashboard.FieldColorModeId): dashboard.FieldColorBuilder {
  return new dashboard.FieldColorBuilder().mode(mode);
}

function limitFor({ limit, unit }: { limit?: string; unit: string }): Limit | undefined {
  return limit === undefined ? undefined : limitOf(limit, unit);
}

function thresholds(steps: dashboard.Threshold[]): dashboard.ThresholdsConfigBuilder {
  return new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(steps);
}

/** Wide panels have room for one with figures beside them. */
function legend(width: number): common.VizLegendOptionsBuilder {
  const options = new common.VizLegendOptionsBuilder().showLegend(true);
  if (width < 12)
    return options
      .displayMode(common.LegendDisplayMode.List)
      .placement(common.LegendPlacement.Bottom)
      .calcs([]);
  return options
    .displayMode(common.LegendDisplayMode.Table)
    .placement(common.LegendPlacement.Right)
    .calcs(['lastNotNull', 'max'])
    .sortBy('Max')
    .sortDesc(true);
}

function tooltip(): common.VizTooltipOptionsBuilder {
  return new common.VizTooltipOptionsBuilder()
    .mode(common.TooltipDisplayMode.Multi)
    .sort(common.SortOrder.Descending);
}

function unCapitalized(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
