import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse as parseYaml } from 'yaml';
import { shapeProblems } from './data-source-shapes.ts';
import { metricProblem, parse, unknownLabels } from './promql.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => parseYaml(readFileSync(new URL(path, root), 'utf8'));
const provisioning = 'grafana/provisioning';

interface DataSource {
  name: string;
  uid: string;
  type: string;
  url: string;
  isDefault?: boolean;
  jsonData: Record<string, unknown>;
}
interface Compose {
  services: Record<string, { volumes?: string[] }>;
}

const { datasources } = read(`${provisioning}/datasources/sightline.yaml`) as { datasources: DataSource[] };
const sourceOf = (uid: string) => {
  const found = datasources.find((one) => one.uid === uid);
  assert.ok(found, uid);
  return found;
};

describe('the data sources', () => {
  it('are Prometheus, Jaeger and the Alertmanager, each known by its type', () => {
    assert.deepEqual(
      datasources.map(({ uid, type }) => [uid, type]),
      [
        ['prometheus', 'prometheus'],
        ['jaeger', 'jaeger'],
        ['alertmanager', 'alertmanager'],
      ],
    );
    assert.deepEqual(
      datasources.filter(({ isDefault }) => isDefault).map(({ uid }) => uid),
      ['prometheus'],
    );
  });

  it('refer to each other by uids that are there', () => {
    assert.deepEqual(danglingUids(datasources), []);
  });

  it('have settings that they take', () => {
    assert.deepEqual(shapeProblems(read(`${provisioning}/datasources/sightline.yaml`)), []);
  });

  it('are reached at services of the stack, on the ports that these listen at', () => {
    const { services } = read('docker-compose.yml') as Compose;
    const ports = { prometheus: '9090', jaeger: '16686', alertmanager: '9093' };
    for (const { uid, url } of datasources) {
      const { hostname, port } = new URL(url);
      assert.ok(hostname in services, hostname);
      assert.equal(port, ports[uid as keyof typeof ports]);
    }
  });

  it('scrape as often as Prometheus does', () => {
    const { global } = read('otel/prometheus.yml') as { global: { scrape_interval: string } };
    assert.equal(sourceOf('prometheus').jsonData.timeInterval, global.scrape_interval);
  });

  it('lead from exemplars to traces', () => {
    assert.deepEqual(sourceOf('prometheus').jsonData.exemplarTraceIdDestinations, [
      { name: 'trace_id', datasourceUid: 'jaeger', urlDisplayLabel: 'Look at its trace' },
    ]);
  });
});

describe('the way from a span to metrics', () => {
  const { tags, queries } = sourceOf('jaeger').jsonData.tracesToMetrics as {
    tags: { key: string; value: string }[];
    queries: { name: string; query: string }[];
  };
  /** As Grafana does: with what it reads of the file, and what it puts in the place of the tags. */
  const asked = (query: string, labels: readonly string[]) =>
    query.replaceAll('$$', '$').replaceAll('$__tags', labels.map((label) => `${label}="x"`).join(', '));

  it('asks for metrics and labels that are there', () => {
    for (const { query } of queries) {
      const parsed = parse(
        asked(
          query,
          tags.map(({ value }) => value),
        ),
      );
      assert.ok(parsed.isValid, query);
      assert.deepEqual(parsed.selected.map(metricProblem).filter(Boolean), []);
      assert.deepEqual(unknownLabels(parsed), []);
    }
  });

  it('goes from a span without any of the tags as well', () => {
    for (const { query } of queries) assert.ok(parse(asked(query, [])).isValid, query);
  });

  it('has no variable that Grafana would take for one of its environment', () => {
    for (const { query } of queries) assert.equal(query.replaceAll('$$', '').includes('$'), false, query);
  });
});

describe('the dashboards of the stack', () => {
  it('are read where the stack mounts them', () => {
    const { providers } = read(`${provisioning}/dashboards/sightline.yaml`) as {
      providers: { type: string; options: { path: string }; allowUiUpdates: boolean }[];
    };
    const { services } = read('docker-compose.yml') as Compose;
    const mounts = services.grafana?.volumes ?? [];
    assert.deepEqual(
      providers.map(({ type, options }) => [type, options.path]),
      [['file', '/var/lib/grafana/dashboards']],
    );
    const folders = ['alerting', 'dashboards', 'datasources'];
    assert.deepEqual(readdirSync(new URL(provisioning, root)).toSorted(), folders);
    for (const mount of [
      './grafana/dashboards:/var/lib/grafana/dashboards:ro',
      ...folders.map((folder) => `./${provisioning}/${folder}:/etc/grafana/provisioning/${folder}:ro`),
    ])
      assert.ok(mounts.includes(mount), mount);
  });
});

describe('alerting', () => {
  const { contactPoints, policies, groups } = read(`${provisioning}/alerting/sightline.yaml`) as {
    contactPoints: { name: string; receivers: { type: string; settings: { url: string } }[] }[];
    policies: { receiver: string }[];
    groups?: unknown;
  };

  it('tells the Alertmanager of the stack what is made in Grafana', () => {
    const [point] = contactPoints;
    assert.deepEqual(
      policies.map(({ receiver }) => receiver),
      [point?.name],
    );
    assert.deepEqual(
      point?.receivers.map(({ type, settings }) => [type, settings.url]),
      [['prometheus-alertmanager', sourceOf('alertmanager').url]],
    );
  });

  it('has no rules of its own, which would tell of everything twice', () => {
    assert.equal(groups, undefined);
    const { handleGrafanaManagedAlerts } = sourceOf('alertmanager').jsonData;
    assert.equal(handleGrafanaManagedAlerts, false);
    assert.deepEqual(readdirSync(new URL(`${provisioning}/alerting`, root)), ['sightline.yaml']);
  });
});

describe('these checks find', () => {
  it('a data source that is not there', () => {
    const wrong = structuredClone(datasources);
    const [first] = wrong;
    assert.ok(first);
    first.jsonData.alertmanagerUid = 'mimir';
    assert.deepEqual(danglingUids(wrong), ['mimir']);
  });

  const misspelt: [from: string, to: string, place: string][] = [
    ['exemplarTraceIdDestinations', 'exemplarTraceIdDestination', 'datasources.0.jsonData'],
    ['urlDisplayLabel', 'displayLabel', 'datasources.0.jsonData.exemplarTraceIdDestinations.0'],
    ['tracesToMetrics', 'traceToMetrics', 'datasources.1.jsonData'],
    ['spanStartTimeShift', 'spanTimeShift', 'datasources.1.jsonData.tracesToMetrics'],
    ['handleGrafanaManagedAlerts', 'handlesGrafanaManagedAlerts', 'datasources.2.jsonData'],
    ['jsonData', 'json', 'datasources.0'],
  ];
  for (const [from, to, place] of misspelt) {
    it(`a setting of a data source that is misspelt: ${to}`, () => {
      const text = readFileSync(new URL(`${provisioning}/datasources/sightline.yaml`, root), 'utf8');
      const problems = shapeProblems(parseYaml(text.replace(`${from}:`, `${to}:`)));
      assert.ok(problems.includes(`${place}: Unrecognized key: "${to}"`), problems.join('\n'));
    });
  }
});

/** Wherever a field is called so. */
function danglingUids(sources: readonly DataSource[]): string[] {
  const uids = new Set(sources.map(({ uid }) => uid));
  const named = [...JSON.stringify(sources).matchAll(/"(?:datasourceUid|alertmanagerUid)":"([^"]*)"/g)];
  return named.map(([, uid = '']) => uid).filter((uid) => !uids.has(uid));
}
