// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the syntax of the file
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { missing } from '../support/is-installed.ts';
import { composeProblems } from './compose-checks.ts';
import { isPath, mountsOf, parseCompose, read, root } from './compose-file.ts';

const text = read('docker-compose.yml');

/** The text with one thing done wrong. */
function plant(from: string, to: string): string {
  assert.ok(text.includes(from), `the file has no ${JSON.stringify(from)} to replace`);
  return text.replace(from, to);
}

describe('docker-compose.yml', () => {
  describe('against the schema of compose files', () => {
    const { $schema, ...schema } = JSON.parse(read('node_modules/dclint/schemas/compose.schema.json'));
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    const errors = (yaml: string) => {
      const { text: _text, ...file } = parseCompose(yaml);
      return validate(file) ? [] : (validate.errors ?? []).map(({ instancePath }) => instancePath);
    };

    it('is valid', () => assert.deepEqual(errors(text), []));

    const mistakes: [what: string, from: string, to: string, path: string][] = [
      ['an unknown key', '    build: .', '    builds: .', '/services/sightline'],
      [
        'a condition that does not exist',
        'service_started',
        'service_ready',
        '/services/sightline/depends_on/jaeger/condition',
      ],
      [
        'a duration that is none',
        'stop_grace_period: 35s',
        'stop_grace_period: [35]',
        '/services/sightline/stop_grace_period',
      ],
      [
        'a mapping in place of a list',
        '    ports:\n      - 127.0.0.1:9090:9090',
        '    ports: { web: 9090 }',
        '/services/prometheus/ports',
      ],
    ];
    for (const [what, from, to, path] of mistakes) {
      it(`would not be with ${what}`, () => {
        const found = errors(plant(from, to));
        assert.ok(
          found.some((one) => one.startsWith(path)),
          found.join(),
        );
      });
    }
  });

  it('hangs together, pins, limits and bounds everything, and is reached from this machine alone', () => {
    assert.deepEqual(composeProblems(parseCompose(text)), []);
  });

  it('has no `version`, which compose no longer reads', () => assert.doesNotMatch(text, /^version:/m));

  const mistakes: [from: string, to: string, problem: string][] = [
    ['  jaeger-data:\n', '', "volumes: 'jaeger-data' is used and not declared"],
    ['  grafana-data:\n', '  grafana-data:\n  old-data:\n', "volumes: 'old-data' is declared and not used"],
    ['    tmpfs:', '    networks: [back]\n    tmpfs:', "networks: 'back' is used and not declared"],
    ['    tmpfs:', '    secrets: [key]\n    tmpfs:', "secrets: 'key' is used and not declared"],
    ['    tmpfs:', '    configs: [{ source: x }]\n    tmpfs:', "configs: 'x' is used and not declared"],
    [
      'jaeger: { condition: service_started }',
      'jager: { condition: service_started }',
      "sightline: depends on 'jager', which is no service",
    ],
    [
      'jaeger: { condition: service_started }',
      'collector: { condition: service_started }',
      "sightline: depends on 'collector', which its profiles leave out",
    ],
    [
      '      start_period: 20s\n',
      '      start_period: 20s\n      disable: true\n',
      "grafana: waits for the health of 'jaeger', which nobody checks",
    ],
    ['./otel/jaeger.yml:', './otel/jaeger.yaml:', 'jaeger: ./otel/jaeger.yaml does not exist'],
    [
      './plugins:/app/plugins:ro',
      './plugins:/app/plugins',
      'sightline: may write to ./plugins at /app/plugins',
    ],
    ['./plugins:/app/plugins:ro', '/etc:/app/plugins:ro', 'sightline: /etc is outside of the repository'],
    [
      'create_host_path: false',
      'create_host_path: true',
      'sightline: would get a folder at /app/sightline.yaml where the file that was chosen is missing',
    ],
    [
      '  read_only: true\n  bind:',
      '  bind:',
      'sightline: may write to ./otel/sightline.yml at /app/sightline.yaml',
    ],
    [
      './plugins:/app/plugins:ro',
      '${X:-./plugins}:/app/plugins:ro',
      'sightline: would get a folder at /app/plugins where the file that was chosen is missing',
    ],
    ['${SIGHTLINE_UPSTREAM:-}', '${SIGHTLINE_UPSTREAM}', '${SIGHTLINE_UPSTREAM} has no default'],
    ['127.0.0.1:9090:9090', '9090:9090', 'prometheus: port 9090 is published beyond loopback'],
    ['127.0.0.1:9090:9090', '0.0.0.0:9090:9090', 'prometheus: port 9090 is published beyond loopback'],
    ['127.0.0.1:3000:3000', '127.0.0.1:4000:3000', 'grafana: port 4000 is published by sightline too'],
    [
      'grafana/grafana:13.2.3',
      'grafana/grafana:latest',
      'grafana: grafana/grafana:latest is not pinned to a version',
    ],
    ['grafana/grafana:13.2.3', 'grafana/grafana', 'grafana: grafana/grafana is not pinned to a version'],
    [
      '    healthcheck: { disable: true }\n    depends_on:\n      jaeger:',
      '    depends_on:\n      jaeger:',
      'collector: has no health check',
    ],
    ['  read_only: true', '  read_only: false', 'jaeger: may write to its own files'],
    ['  cap_drop: [ALL]\n', '', 'grafana: keeps capabilities'],
    [
      "security_opt: ['no-new-privileges:true']",
      "security_opt: ['seccomp:unconfined']",
      'demo: may gain privileges',
    ],
    ['    tmpfs:', '    privileged: true\n    tmpfs:', 'sightline: is privileged'],
    ['./plugins:/app/plugins:ro', '/var/run/docker.sock:/var/run/docker.sock:ro', 'sightline: is privileged'],
    ['  restart: unless-stopped\n', '', 'sightline: has no restart policy'],
    [
      "    options: { max-size: 10m, max-file: '3' }",
      '    options: { max-size: 10m }',
      'sightline: has a log without bound',
    ],
    ['    mem_limit: 128m\n', '', 'alertmanager: has no limit of memory'],
    ['    cpus: 0.5\n', '', 'alertmanager: has no limit of CPUs'],
    [
      '    cpus: 0.5\n    mem_limit: 128m\n    pids_limit: 128\n',
      '',
      'alertmanager: has no limit of processes',
    ],
  ];
  for (const [from, to, problem] of mistakes) {
    it(`would not do with: ${problem}`, () => {
      const problems = composeProblems(parseCompose(plant(from, to)));
      assert.ok(problems.includes(problem), problems.join('\n'));
    });
  }

  const skip = missing(['git'], 'whether git keeps what is mounted');
  it('mounts nothing that git leaves out, and a clone would lack', { skip }, (test) => {
    const mounts = Object.values(parseCompose(text).services).flatMap(mountsOf);
    const sources = mounts.map(({ source }) => source).filter(isPath);
    const args = ['ls-files', '--others', '--ignored', '--exclude-standard', '--', ...sources];
    const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
    if (status !== 0) return test.skip('this is no clone');
    const ours = stdout.split('\n').filter((path) => /\.(?:ya?ml|json|ini|ts)$/.test(path));
    assert.deepEqual(ours, []);
  });

  it('leaves out the health check of those alone that cannot be asked', () => {
    const { services } = parseCompose(text);
    const unchecked = Object.keys(services).filter((name) => services[name]?.healthcheck?.disable);
    assert.deepEqual(unchecked, ['demo', 'collector']);
  });
});
