import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { grafanaFiles } from '../../grafana/src/index.ts';
import { thresholds } from '../../src/alerts/thresholds.ts';
import { lint, type RuleName, rules } from './lint-rules.ts';
import { type LooseDashboard, type LoosePanel, panelsOf } from './loose.ts';
import { SdkSchema } from './sdk-schema.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const files = Object.keys(grafanaFiles).filter((path) => path.startsWith('grafana/dashboards/'));
const load = () => files.map((path) => JSON.parse(read(path)) as LooseDashboard);
const dashboards = load();

describe('the dashboards', () => {
  it('are what their sources make (npm run generate)', () => {
    const outdated = Object.entries(grafanaFiles).filter(([path, make]) => read(path) !== make());
    assert.deepEqual(
      outdated.map(([path]) => path),
      [],
    );
  });

  it('are made alike each time', () => {
    for (const make of Object.values(grafanaFiles)) assert.equal(make(), make());
  });

  it('have names of their own', () => {
    assert.equal(dashboards.length, 5);
    assert.equal(new Set(dashboards.map(({ uid }) => uid)).size, 5);
    assert.equal(new Set(dashboards.map(({ title }) => title)).size, 5);
  });

  for (const dashboard of dashboards) {
    it(`${dashboard.title} is what Grafana's SDK knows`, () => {
      assert.deepEqual(SdkSchema.get().problems(dashboard), []);
    });

    it(`${dashboard.title} keeps to all rules`, () => {
      assert.deepEqual(lint(dashboard, dashboards), {});
    });
  }

  it('show the limit of each alert, and what to do', () => {
    const described = dashboards.flatMap(panelsOf).map(({ description = '' }) => description);
    const unseen = thresholds.filter(
      ({ title, action }) => !described.some((text) => text.includes(`“${title}”`) && text.includes(action)),
    );
    assert.deepEqual(
      unseen.map(({ id }) => id),
      [],
    );
  });
});

/** Something that somebody could write, and what it breaks. */
const mistakes: readonly {
  readonly what: string;
  readonly breaks: RuleName;
  readonly make: (panel: LoosePanel, dashboard: LooseDashboard) => void;
}[] = [
  {
    what: 'a dashboard for one data source',
    breaks: 'the data source is a variable',
    make: (_, { templating }) => {
      const [first] = templating?.list ?? [];
      if (first) first.query = 'loki';
    },
  },
  {
    what: 'a panel that asks one Prometheus',
    breaks: 'everything asks the data source of the variable',
    make: (panel) => {
      panel.datasource = { type: 'prometheus', uid: 'prometheus' };
    },
  },
  {
    what: 'one instance at a time',
    breaks: 'job and instance can be chosen',
    make: (_, { templating }) => {
      for (const one of templating?.list ?? []) if (one.name === 'instance') one.multi = false;
    },
  },
  {
    what: 'a metric of all instances',
    breaks: 'every metric is that of the chosen instances',
    make: (panel) => change(panel, ', instance=~"$instance"', ''),
  },
  {
    what: 'a rate over five minutes',
    breaks: 'rates are over $__rate_interval',
    make: (panel) => change(panel, 'increase(', 'rate('),
  },
  {
    what: 'an expression with a parenthesis too few',
    breaks: 'expressions can be parsed',
    make: (panel) => change(panel, /\)$/, ''),
  },
  {
    what: 'a metric that is not there',
    breaks: 'metrics are those of the table, used as their kind',
    make: (panel) => change(panel, 'sightline_exchange_outcomes_total', 'sightline_exchanges_total'),
  },
  {
    what: 'the buckets of a counter',
    breaks: 'metrics are those of the table, used as their kind',
    make: (panel) => change(panel, 'outcomes_total{', 'outcomes_total_count{'),
  },
  {
    what: 'a counter as it stands',
    breaks: 'metrics are those of the table, used as their kind',
    make: (panel) => change(panel, /increase\((.*)\[5m\]\)/, '$1'),
  },
  {
    what: 'a label that is not there',
    breaks: 'labels are those of the table',
    make: (panel) =>
      change(panel, 'instance=~"$instance"', 'instance=~"$instance", sightline_outcomes="failed"'),
  },
  {
    what: 'a panel without description',
    breaks: 'panels have a title, a description and a unit',
    make: (panel) => {
      delete panel.description;
    },
  },
  {
    what: 'a unit of somebody else',
    breaks: 'panels have a title, a description and a unit',
    make: (panel) => {
      panel.fieldConfig = { defaults: { unit: 'requests' } };
    },
  },
  {
    what: 'a legend of a label that was summed up',
    breaks: 'queries have a legend, of labels that they have',
    make: ({ targets: [target] = [] }) => {
      if (target) target.legendFormat = '{{http_route}}';
    },
  },
  {
    what: 'exemplars of what has none',
    breaks: 'whole distributions bring their exemplars, once',
    make: ({ targets: [target] = [] }) => {
      if (target) target.exemplar = true;
    },
  },
  {
    what: 'a figure of so much time as the zoom says',
    breaks: 'what is told of now is of the same time at each zoom',
    make: (panel) =>
      change(
        panel,
        /^.*$/,
        'sum (rate(sightline_exchange_outcomes_total{job=~"$job", instance=~"$instance"}[$__rate_interval]))',
      ),
  },
  {
    what: 'a count of seconds',
    breaks: 'counts of what is rare are of minutes',
    make: (_, { panels = [] }) => {
      for (const { targets = [] } of panels) for (const target of targets) delete target.interval;
    },
  },
  {
    what: 'an outcome in the colour of another',
    breaks: 'an outcome has one colour',
    make: (_, { panels = [] }) => {
      const outcomes = panels.find(({ title }) => title === 'Exchanges by outcome');
      const [, second] = outcomes?.fieldConfig?.overrides ?? [];
      if (second) second.properties = [{ id: 'color', value: { mode: 'fixed', fixedColor: 'green' } }];
    },
  },
  {
    what: 'a link that forgets the tenant',
    breaks: 'links take along what is looked at',
    make: (_, dashboard) => changeLinks(dashboard, `&\${tenant:queryparam}`, ''),
  },
  {
    what: 'a link with a name that is not encoded',
    breaks: 'links take along what is looked at',
    make: (_, dashboard) => changeLinks(dashboard, ':percentencode', ''),
  },
  {
    what: 'two panels of one id',
    breaks: 'ids are unique',
    make: (panel, { panels: [row] = [] }) => {
      if (row?.id !== undefined) panel.id = row.id;
    },
  },
  {
    what: 'two queries of one name',
    breaks: 'queries of a panel have names of their own',
    make: ({ targets = [] }) => {
      if (targets[0]) targets.push(targets[0]);
    },
  },
  {
    what: 'a panel over another',
    breaks: 'panels lie side by side, in lines of 24 columns',
    make: ({ gridPos }) => {
      if (gridPos) gridPos.w += 1;
    },
  },
  {
    what: 'a gap at the end of a line',
    breaks: 'panels lie side by side, in lines of 24 columns',
    make: (_, { panels = [] }) => {
      const last = panels.at(-1)?.gridPos;
      if (last) last.w -= 1;
    },
  },
  {
    what: 'a variable that nobody can choose',
    breaks: 'variables are there, and used',
    make: (panel) => change(panel, 'instance=~"$instance"', 'instance=~"$instance", http_route=~"$route"'),
  },
  {
    what: 'values of a variable that are never asked for again',
    breaks: 'values of variables come with the time range',
    make: (_, { templating }) => {
      for (const one of templating?.list ?? []) if (one.name === 'job') one.refresh = 0;
    },
  },
  {
    what: 'a console that the address of a dashboard can name',
    breaks: 'a link to a dashboard cannot bring a console of its own',
    make: (_, { templating }) => {
      for (const variable of templating?.list ?? []) delete variable.skipUrlSync;
    },
  },
  {
    what: 'a link in a menu',
    breaks: 'links of the dashboard are in sight',
    make: (_, { links = [] }) => {
      for (const link of links) link.placement = 'inControlsMenu';
    },
  },
  {
    what: 'a link to a dashboard that is not there',
    breaks: 'links lead somewhere',
    make: (panel) => {
      panel.fieldConfig = {
        defaults: { unit: 'reqps', links: [{ url: '/d/sightline-delay?var-upstream=x' }] },
      };
    },
  },
  {
    what: 'a link with a variable that the other has not',
    breaks: 'links lead somewhere',
    make: (_, dashboard) => changeLinks(dashboard, '&var-upstream=', '&var-route=x&var-upstream='),
  },
  {
    what: 'a dashboard that can be changed in the browser',
    breaks: 'it stays as it is in the repository',
    make: (_, dashboard) => {
      dashboard.editable = true;
    },
  },
];

describe('the rules find', () => {
  for (const { what, breaks, make } of mistakes) {
    it(what, () => {
      const [dashboard] = load();
      const panel = dashboard?.panels?.find(({ title }) => title === 'Exchanges a second');
      assert.ok(dashboard && panel);
      make(panel, dashboard);
      assert.deepEqual(Object.keys(lint(dashboard, dashboards)), [breaks]);
    });
  }

  it('a mistake against each of them', () => {
    const tried = new Set<string>(mistakes.map(({ breaks }) => breaks));
    assert.deepEqual(
      Object.keys(rules).filter((name) => !tried.has(name)),
      [],
    );
  });
});

describe("the schema of the SDK's types finds", () => {
  const wrong: Readonly<Record<string, (panel: LoosePanel, dashboard: LooseDashboard) => object>> = {
    'a field that is not there': (_, dashboard) => Object.assign(dashboard, { titel: 'Traffic' }),
    'a field that is missing': (panel) => Object.assign(panel, { type: undefined }),
    'a text for a number': (panel) => Object.assign(panel, { id: '3' }),
    'a link of an unknown kind': (_, dashboard) =>
      Object.assign(dashboard.links?.[0] ?? {}, { type: 'page' }),
    'an option of another kind of panel': (panel) => Object.assign(panel.options ?? {}, { legend: {} }),
    'an option with a value that Grafana does not know': (panel) =>
      Object.assign(panel.options ?? {}, { colorMode: 'rainbow' }),
    'a query of another data source': (panel) =>
      Object.assign(panel.targets?.[0] ?? {}, { rawSql: 'SELECT' }),
    'a kind of panel that is no more': (panel) => Object.assign(panel, { type: 'graph' }),
    'a threshold without colour': (panel) =>
      Object.assign(panel.fieldConfig?.defaults ?? {}, {
        thresholds: { mode: 'absolute', steps: [{ value: 1 }] },
      }),
  };
  for (const [what, make] of Object.entries(wrong)) {
    it(what, () => {
      const [dashboard] = load();
      const panel = dashboard?.panels?.find(({ type }) => type === 'stat');
      assert.ok(dashboard && panel);
      make(panel, dashboard);
      assert.notDeepEqual(SdkSchema.get().problems(dashboard), []);
    });
  }
});

/** In the first query; the change has to take place. */
function change({ targets: [target] = [] }: LoosePanel, from: string | RegExp, to: string): void {
  assert.ok(target);
  const changed = target.expr.replace(from, to);
  assert.notEqual(changed, target.expr);
  target.expr = changed;
}

/** In all that have it; one has to. */
function changeLinks({ panels = [] }: LooseDashboard, from: string, to: string): void {
  const links = panels.flatMap(({ fieldConfig }) => fieldConfig?.defaults?.links ?? []);
  assert.ok(links.some(({ url = '' }) => url.includes(from)));
  for (const link of links) link.url = link.url?.replace(from, to) ?? '';
}
