import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { mountsOf, parseCompose, portsOf, read, root } from './compose-file.ts';
import { parseDockerfile } from './dockerfile.ts';

const compose = parseCompose(read('docker-compose.yml'));
const { services } = compose;
const image = parseDockerfile(read('Dockerfile')).at(-1)?.instructions ?? [];

/** Ports that stand behind an address in the text. */
function portsIn(text: string): string[] {
  return [...text.matchAll(/(?:^\s*(?:endpoint:.*:|port: ))(\d+)$/gm)].map(([, port = '']) => port);
}

/** Where each service takes connections, in its container. Those of images alone have the ports they always had. */
const listening: Readonly<Record<string, readonly string[]>> = {
  sightline: image.find(({ keyword }) => keyword === 'EXPOSE')?.text.split(' ') ?? [],
  jaeger: portsIn(read('otel/jaeger.yml').replace(/http:\/\/localhost:\d+/g, '')),
  collector: portsIn(read('otel/collector.yml').split(/^processors:/m)[0] ?? ''),
  prometheus: ['9090'],
  alertmanager: ['9093'],
  grafana: ['3000'],
};

/** `jaeger:4317` and the like where nobody listens. */
function addressProblems(text: string): string[] {
  return [...text.matchAll(/(?<=^|[\s'"]|:\/\/)([a-z][a-z0-9-]*):(\d{4,5})\b/g)]
    .filter(([, host = '', port = '']) => {
      const isLocal = host === 'localhost';
      const ports = isLocal ? Object.values(listening).flat() : (listening[host] ?? []);
      return !ports.includes(port);
    })
    .map(([address]) => `nobody listens at ${address}`);
}

const texts = [
  'docker-compose.yml',
  ...globSync(['otel/*.yml', 'grafana/provisioning/**/*.yaml'], { cwd: root })
    // Made from the thresholds; their tests have instances of their own.
    .filter((path) => !path.includes('alerts.'))
    .toSorted(),
];

describe('the parts of the stack', () => {
  it('listen somewhere', () => {
    assert.deepEqual(listening.sightline, ['4000', '4001']);
    assert.deepEqual(listening.jaeger?.toSorted(), ['16685', '16686', '4317', '4318', '8888', '8889']);
    assert.deepEqual(listening.collector, ['4317', '4318']);
  });

  for (const path of texts) {
    it(`find each other: ${path}`, () => assert.deepEqual(addressProblems(read(path)), []));
  }

  const mistakes: [path: string, from: string, to: string, address: string][] = [
    ['otel/prometheus.yml', "'sightline:4001'", "'sightlines:4001'", 'sightlines:4001'],
    ['otel/prometheus.yml', "'jaeger:8889'", "'jaeger:8887'", 'jaeger:8887'],
    ['otel/prometheus.local.yml', "'localhost:4001'", "'localhost:4002'", 'localhost:4002'],
    ['otel/collector.yml', 'jaeger:4317', 'jaegar:4317', 'jaegar:4317'],
    ['otel/collector.yml', 'http://prometheus:9090', 'http://prometheus:9091', 'prometheus:9091'],
    ['docker-compose.yml', ':-http://jaeger:4318', ':-http://jaeger:14318', 'jaeger:14318'],
    [
      'docker-compose.yml',
      'OTLP_ENDPOINT=http://collector:4318',
      'OTLP_ENDPOINT=http://otel:4318',
      'otel:4318',
    ],
  ];
  for (const [path, from, to, address] of mistakes) {
    it(`would not, with ${address} in ${path}`, () => {
      const text = read(path);
      assert.ok(text.includes(from), from);
      assert.ok(addressProblems(text.replace(from, to)).includes(`nobody listens at ${address}`));
    });
  }

  it('publish ports at which they listen, and those that the file tells people to open', () => {
    const published = Object.entries(services).flatMap(([name, service]) =>
      portsOf(service).map((port) => ({ name, ...port })),
    );
    for (const { name, target } of published) {
      assert.ok(listening[name]?.includes(target), `${name} does not listen on ${target}`);
    }
    const told = [...compose.text.matchAll(/http:\/\/localhost:(\d+)/g)].map(([, port]) => port);
    assert.equal(told.length, 7);
    for (const port of told)
      assert.ok(
        published.some((one) => one.published === port),
        port,
      );
  });

  it("have Sightline where they look for it, whatever a configuration of one's own says", () => {
    const { SIGHTLINE_HOST, SIGHTLINE_PORT, SIGHTLINE_ADMIN_HOST, SIGHTLINE_ADMIN_PORT } =
      services.sightline?.environment ?? {};
    assert.deepEqual([SIGHTLINE_HOST, SIGHTLINE_ADMIN_HOST], ['0.0.0.0', '0.0.0.0']);
    assert.deepEqual([SIGHTLINE_PORT, SIGHTLINE_ADMIN_PORT], listening.sightline);
  });

  it('share the token of the admin plane, and nothing else can read it', () => {
    const path = services.sightline?.environment?.SIGHTLINE_ADMIN_TOKEN_FILE ?? '';
    const { scrape_configs } = parse(read('otel/prometheus.yml'));
    const scrape = scrape_configs.find(({ job_name }: { job_name: string }) => job_name === 'sightline');
    assert.equal(scrape.authorization.credentials_file, path);
    const holders = Object.entries(services).flatMap(([name, service]) =>
      mountsOf(service)
        .filter(({ target }) => target === dirname(path))
        .map(({ source, isReadOnly }) => ({ name, source, isReadOnly })),
    );
    assert.deepEqual(holders, [
      { name: 'sightline', source: 'sightline-run', isReadOnly: false },
      { name: 'prometheus', source: 'sightline-run', isReadOnly: true },
    ]);
    assert.ok(image.some(({ text }) => text.startsWith('install -d ') && text.endsWith(` ${dirname(path)}`)));
    // Of the user `node` in its image.
    assert.deepEqual(services.prometheus?.group_add, ['1000']);
  });

  it('find their files where they are mounted', () => {
    const targets = (name: string) => mountsOf(services[name] ?? {}).map(({ target }) => target);
    const workdir = parseDockerfile(read('Dockerfile'))[0]?.instructions.find(
      ({ keyword }) => keyword === 'WORKDIR',
    );
    assert.ok(targets('sightline').includes(`${workdir?.text}/plugins`));
    for (const name of ['jaeger', 'prometheus', 'alertmanager', 'collector']) {
      const file = services[name]?.command?.join(' ').match(/--config(?:\.file)?[ =](\S+)/)?.[1];
      assert.ok(file !== undefined && targets(name).includes(file), `${name}: ${file}`);
    }
    const folder = dirname('/etc/prometheus/prometheus.yml');
    for (const file of parse(read('otel/prometheus.yml')).rule_files) {
      assert.ok(targets('prometheus').includes(`${folder}/${file}`), file);
    }
  });

  it('have dashboards where Grafana is told to look for them', () => {
    const provisioned = globSync('grafana/provisioning/dashboards/*.yaml', { cwd: root });
    assert.ok(provisioned.length > 0);
    const mounts = mountsOf(services.grafana ?? {}).map(({ target }) => target);
    for (const path of provisioned) {
      for (const { options } of parse(read(path)).providers) {
        assert.ok(mounts.includes(options.path), `${path}: ${options.path}`);
      }
    }
  });
});
