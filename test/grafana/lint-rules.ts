import * as units from '@grafana/grafana-foundation-sdk/units';
import { outcomeColors } from '../../grafana/src/parts/series.ts';
import { duration } from '../../src/alerts/duration.ts';
import { thresholds } from '../../src/alerts/thresholds.ts';
import { type LooseDashboard, type LoosePanel, type LooseTarget, panelsOf } from './loose.ts';
import { metricProblem, parse, unknownLabels } from './promql.ts';

/** What is the matter with a dashboard, each problem with its place; `all` are those that it can lead to. */
type Rule = (dashboard: LooseDashboard, all: readonly LooseDashboard[]) => string[];

/**
 * What a dashboard has to keep to, by the name of the rule. Most are those of Grafana's own linter.
 * https://github.com/grafana/dashboard-linter/blob/main/docs/index.md
 */
export const rules = {
  'the data source is a variable': ({ templating }) =>
    templating?.list?.some(
      ({ type, name, query }) => type === 'datasource' && name === 'datasource' && query === 'prometheus',
    )
      ? []
      : ['no variable of type datasource'],

  'everything asks the data source of the variable': (dashboard) => {
    const asking = [
      ...panelsOf(dashboard).map(({ title, datasource }) => ({ title, datasource })),
      ...targetsOf(dashboard).map(({ place, target }) => ({ title: place, datasource: target.datasource })),
      ...(dashboard.templating?.list ?? [])
        .filter(({ type }) => type === 'query')
        .map(({ name, datasource }) => ({ title: name, datasource })),
      ...(dashboard.annotations?.list ?? []).map(({ name, datasource }) => ({ title: name, datasource })),
    ];
    return asking
      .filter(({ datasource }) => datasource?.type !== 'prometheus' || datasource.uid !== '$datasource')
      .map(({ title }) => `${title}`);
  },

  'job and instance can be chosen': ({ templating }) =>
    ['job', 'instance'].filter(
      (wanted) =>
        !templating?.list?.some(
          ({ name, multi, includeAll, definition = '' }) =>
            name === wanted && multi && includeAll && definition.endsWith(`, ${wanted})`),
        ),
    ),

  'every metric is that of the chosen instances': (dashboard) =>
    targetsOf(dashboard).flatMap(({ place, target }) =>
      parse(target.expr)
        .selected.filter(
          ({ matchers }) =>
            matchers.get('job') !== '=~"$job"' || matchers.get('instance') !== '=~"$instance"',
        )
        .map(({ name }) => `${place}: ${name}`),
    ),

  'rates are over $__rate_interval': (dashboard) =>
    targetsOf(dashboard).flatMap(({ place, target }) =>
      parse(target.expr)
        .selected.flatMap(({ over }) => (over ? [over] : []))
        .filter((over) => !isRightRange(over.function, over.range))
        .map((over) => `${place}: ${over.function} over ${over.range}`),
    ),

  'expressions can be parsed': (dashboard) =>
    targetsOf(dashboard)
      .filter(({ target }) => !parse(target.expr).isValid)
      .map(({ place, target }) => `${place}: ${target.expr}`),

  'metrics are those of the table, used as their kind': (dashboard) =>
    targetsOf(dashboard).flatMap(({ place, target }) =>
      parse(target.expr).selected.flatMap((one) => {
        const problem = metricProblem(one);
        return problem === undefined ? [] : [`${place}: ${problem}`];
      }),
    ),

  'labels are those of the table': (dashboard) =>
    targetsOf(dashboard).flatMap(({ place, target }) =>
      unknownLabels(parse(target.expr)).map((label) => `${place}: ${label}`),
    ),

  'panels have a title, a description and a unit': (dashboard) =>
    panelsOf(dashboard).flatMap(({ title, description, fieldConfig, type }) => {
      const unit = fieldConfig?.defaults?.unit;
      return [
        ...(title ? [] : [`a ${type} without title`]),
        ...(description ? [] : [`${title}: no description`]),
        ...(unit !== undefined && knownUnits.has(unit) ? [] : [`${title}: no unit ${unit}`]),
      ];
    }),

  'queries have a legend, of labels that they have': (dashboard) =>
    panelsOf(dashboard).flatMap(({ title, targets = [] }) =>
      targets.flatMap(({ legendFormat = '', expr }) => {
        if (legendFormat === '') return [`${title}: no legend`];
        const { grouping } = parse(expr);
        const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
        return named.filter((label) => !grouping.includes(label)).map((label) => `${title}: ${label}`);
      }),
    ),

  'whole distributions bring their exemplars, once': (dashboard) =>
    panelsOf(dashboard).flatMap(({ title, targets = [] }) =>
      targets.flatMap(({ expr, instant, exemplar = false }, i) => {
        const isLast = i === targets.length - 1;
        const wanted =
          !instant && isLast && expr.includes('_bucket{') && parse(expr).grouping.join() === 'le';
        return exemplar === wanted ? [] : [`${title}`];
      }),
    ),

  'what is told of now is of the same time at each zoom': (dashboard) =>
    panelsOf(dashboard).flatMap(({ title, targets = [] }) =>
      targets
        .filter(({ instant, expr }) => instant && expr.includes('$__rate_interval'))
        .map(() => `${title}`),
    ),

  'counts of what is rare are of minutes': (dashboard) =>
    panelsOf(dashboard).flatMap(({ title, targets = [] }) =>
      targets
        .filter(({ expr, interval }) => expr.includes(' unless ') && interval !== '1m')
        .map(() => `${title}`),
    ),

  'an outcome has one colour': (dashboard) =>
    panelsOf(dashboard).flatMap(({ title, targets = [], fieldConfig }) => {
      const isOfOutcomes = targets.some(({ legendFormat }) => legendFormat === '{{sightline_outcome}}');
      const colors = new Map(
        (fieldConfig?.overrides ?? []).map(({ matcher, properties }) => [
          matcher?.options,
          properties.find(({ id }) => id === 'color')?.value,
        ]),
      );
      return Object.entries(outcomeColors)
        .filter(([outcome, fixedColor]) => {
          const found = colors.get(outcome);
          return isOfOutcomes && JSON.stringify(found) !== JSON.stringify({ mode: 'fixed', fixedColor });
        })
        .map(([outcome]) => `${title}: ${outcome}`);
    }),

  'ids are unique': ({ panels = [] }) => twice(panels.map(({ id }) => String(id))),

  'queries of a panel have names of their own': (dashboard) =>
    panelsOf(dashboard).flatMap(({ title, targets = [] }) =>
      twice(targets.map(({ refId }) => String(refId))).map((name) => `${title}: ${name}`),
    ),

  'panels lie side by side, in lines of 24 columns': ({ panels = [] }) => {
    const cells = new Map<string, number>();
    for (const { gridPos } of panels)
      for (const [x, y] of cellsOf(gridPos)) cells.set(`${x} ${y}`, (cells.get(`${x} ${y}`) ?? 0) + 1);
    const height = Math.max(...panels.map(({ gridPos }) => (gridPos ? gridPos.y + gridPos.h : 0)));
    const wrong: string[] = [...cells].filter(([, count]) => count > 1).map(([cell]) => `twice at ${cell}`);
    for (let y = 0; y < height; y += 1)
      for (let x = 0; x < 24; x += 1) if (!cells.has(`${x} ${y}`)) wrong.push(`nothing at ${x} ${y}`);
    return wrong.concat(cells.size > height * 24 ? ['beyond the last column'] : []);
  },

  'variables are there, and used': (dashboard) => {
    const names = dashboard.templating?.list?.map(({ name }) => name) ?? [];
    const used = variablesIn(JSON.stringify([dashboard.panels, dashboard.annotations, dashboard.links]));
    const usedByOthers = variablesIn(JSON.stringify(dashboard.templating));
    return [
      ...[...used, ...usedByOthers].filter((name) => !names.includes(name)).map((name) => `no ${name}`),
      ...names
        .filter((name) => !used.has(name) && !usedByOthers.has(name))
        .map((name) => `${name} for nothing`),
    ];
  },

  'values of variables come with the time range': ({ templating }) =>
    (templating?.list ?? [])
      .filter(({ type, refresh }) => type === 'query' && refresh !== 2)
      .map(({ name }) => name),

  'a link to a dashboard cannot bring a console of its own': ({ templating }) =>
    (templating?.list ?? [])
      .filter(({ name, type, skipUrlSync }) => name === 'console' && !(type === 'constant' && skipUrlSync))
      .map(({ name }) => name),

  'links of the dashboard are in sight': ({ links = [] }) =>
    links.filter(({ placement }) => placement !== undefined).map(({ title }) => `${title}`),

  'links lead somewhere': (dashboard, all) => [
    ...(dashboard.links ?? []).flatMap(({ type, tags = [], title, url = '' }) => {
      if (type === 'link') return isConsole(url) ? [] : [`${title}: ${url}`];
      const isTagged = all.every((other) => tags.every((tag) => other.tags?.includes(tag)));
      return isTagged && tags.length > 0 ? [] : [`${title}: ${tags}`];
    }),
    ...panelsOf(dashboard).flatMap((panel) => linksOf(panel).flatMap((url) => linkProblems(url, all))),
  ],

  'links take along what is looked at': (dashboard, all) =>
    panelsOf(dashboard).flatMap((panel) => linksOf(panel).flatMap((url) => whatIsLost(url, dashboard, all))),

  'it stays as it is in the repository': ({ editable, uid = '', refresh, time, tags = [] }) => [
    ...(editable === false ? [] : ['editable']),
    ...(/^sightline-[a-z]+$/.test(uid) ? [] : [`uid ${uid}`]),
    ...(refresh === '30s' && time?.to === 'now' ? [] : ['refresh or time range']),
    ...(tags.includes('sightline') ? [] : ['tag']),
  ],
} as const satisfies Record<string, Rule>;

export type RuleName = keyof typeof rules;

/** Names of the rules that are broken, each with where. */
export function lint(
  dashboard: LooseDashboard,
  all: readonly LooseDashboard[],
): Partial<Record<RuleName, string[]>> {
  const found = Object.entries(rules).map(([name, rule]) => [name, rule(dashboard, all)] as const);
  return Object.fromEntries(found.filter(([, problems]) => problems.length > 0));
}

const knownUnits: ReadonlySet<unknown> = new Set(Object.values(units));

/** Rates follow the zoom; what is counted within a window has that of an alert, or the whole time range. */
const windows = new Set([
  '$__range',
  '$__rate_interval',
  ...thresholds.map(({ windowMs }) => duration(windowMs)),
]);

function isRightRange(name: string, range: string): boolean {
  return name === 'increase' ? windows.has(range) : name === 'rate' && range === '$__rate_interval';
}

/** Of panels and annotations. */
function targetsOf(dashboard: LooseDashboard): { readonly place: string; readonly target: LooseTarget }[] {
  return [
    ...panelsOf(dashboard).flatMap(({ title, targets = [] }) =>
      targets.map((target) => ({ place: `${title} ${target.refId}`, target })),
    ),
    ...(dashboard.annotations?.list ?? []).flatMap(({ name, target }) =>
      target ? [{ place: name, target }] : [],
    ),
  ];
}

function twice(names: readonly string[]): string[] {
  return names.filter((name, i) => names.indexOf(name) !== i);
}

function* cellsOf(grid: LoosePanel['gridPos']): Generator<[x: number, y: number]> {
  if (!grid) return;
  for (let x = grid.x; x < grid.x + grid.w; x += 1)
    for (let y = grid.y; y < grid.y + grid.h; y += 1) yield [x, y];
}

/** `$name` and `${name…}`, but for those of Grafana itself, which begin with two underscores. */
function variablesIn(text: string): Set<string> {
  return new Set([...text.matchAll(/\$\{?(?!__)([a-z]\w*)/g)].map(([, name = '']) => name));
}

function linksOf({ fieldConfig }: LoosePanel): string[] {
  const ofCells = (fieldConfig?.overrides ?? []).flatMap(({ properties }) =>
    properties.filter(({ id }) => id === 'links').flatMap(({ value }) => value as { url?: string }[]),
  );
  return [...(fieldConfig?.defaults?.links ?? []), ...ofCells].map(({ url = '' }) => url);
}

const dashboardUrl = /^\/d\/([\w-]+)\?(.*)$/;

function isConsole(url: string): boolean {
  return /^\$\{console\}\/#\/live\?/.test(url) && url.endsWith(`from=\${__from}&to=\${__to}`);
}

function linkProblems(url: string, all: readonly LooseDashboard[]): string[] {
  if (isConsole(url)) return [];
  const [, uid, query = ''] = dashboardUrl.exec(url) ?? [];
  const target = all.find((one) => one.uid === uid);
  if (!target) return [`nothing at ${url}`];
  const names = variableNames(target);
  return [...query.matchAll(/var-(\w+)=/g)]
    .filter(([, name = '']) => !names.includes(name))
    .map(([, name]) => `${uid} has no ${name}`);
}

/** Of the time and the values of variables that both dashboards have; and a value that is not encoded may end there. */
function whatIsLost(url: string, from: LooseDashboard, all: readonly LooseDashboard[]): string[] {
  const raw = [...url.matchAll(/=(\$\{__(?:field|value)[^}]*\})/g)]
    .map(([, value = '']) => value)
    .filter((value) => !value.endsWith(':percentencode}'));
  const [, uid, query = ''] = dashboardUrl.exec(url) ?? [];
  const target = all.find((one) => one.uid === uid);
  if (!target) return raw;
  const shared = variableNames(target).filter(
    (name) => name !== 'console' && variableNames(from).includes(name),
  );
  const wanted = shared.filter(
    (name) => !query.includes(`\${${name}:queryparam}`) && !query.includes(`var-${name}=`),
  );
  return [...raw, ...wanted, ...(query.includes('$__url_time_range') ? [] : ['the time'])];
}

function variableNames({ templating }: LooseDashboard): string[] {
  return templating?.list?.map(({ name }) => name) ?? [];
}
