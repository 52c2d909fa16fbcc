import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Simulator, startSimulator } from '../src/simulator/simulator.ts';
import { startOtlpSink } from './support/otlp-sink.ts';
import { type RunningProcess, runNode } from './support/run-process.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** What `npm start` runs, in an empty folder, on free ports. */
function start(cwd: string, env: Record<string, string> = {}, args: string[] = []): RunningProcess {
  const ports = { SIGHTLINE_PORT: '0', SIGHTLINE_ADMIN_PORT: '0', SIGHTLINE_HOST: '127.0.0.1' };
  return runNode([main, ...args], { cwd, env: { ...ports, OTEL_TRACES_EXPORTER: 'none', ...env } });
}

/** The two addresses, as the first line of the log says them. */
async function addresses(running: RunningProcess): Promise<{ data: string; admin: string; line: string }> {
  const [line] = await running.waitForLine(/^\{.*"msg":"sightline: data .*/);
  const [, data = '', admin = ''] = /data (http\S+) · admin (http\S+)/.exec(line) ?? [];
  return { data, admin, line };
}

async function disposable(starting: Promise<Simulator>): Promise<Simulator & AsyncDisposable> {
  const simulator = await starting;
  return Object.assign(simulator, { [Symbol.asyncDispose]: () => simulator.close() });
}

describe('npm start', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sightline-start-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('without any configuration fronts the embedded simulator', async () => {
    await using running = start(folder);
    const { data, admin, line } = await addresses(running);
    assert.match(line, /the embedded simulator/);
    const reply = await fetch(`${data}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello!' }] }),
    });
    assert.equal(reply.status, 200);
    await reply.text();
    const traces = (await (await fetch(`${admin}/api/traces`)).json()) as { traces: { name: string }[] };
    assert.equal(traces.traces[0]?.name, 'POST /v1/chat/completions');
    running.kill('SIGTERM');
    assert.deepEqual(await running.waitForExit(), { code: 0, signal: null });
  });

  it('with one variable fronts a real backend', async () => {
    await using backend = await disposable(startSimulator());
    await using running = start(folder, { SIGHTLINE_UPSTREAM: `${backend.url}/v1` });
    const { data, line } = await addresses(running);
    assert.ok(line.includes(`/ → ${backend.url}/v1`));
    const models = await fetch(`${data}/models?limit=3`);
    assert.equal(models.status, 200);
    assert.equal(
      (await backend.journal.waitFor(({ method, url }) => method === 'GET' && url !== '/')).url,
      '/v1/models?limit=3',
    );
    running.kill('SIGINT');
    assert.equal((await running.waitForExit()).code, 0);
  });

  it('flushes telemetry on SIGTERM, after the stream that was under way', async () => {
    await using sink = await startOtlpSink();
    await using running = start(folder, {
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    });
    const { data } = await addresses(running);
    const body = JSON.stringify({
      model: 'sim-slow-token-20',
      stream: true,
      max_tokens: 12,
      messages: [{ role: 'user', content: 'Hi' }],
    });
    const reply = await fetch(`${data}/v1/chat/completions`, { method: 'POST', body });
    running.kill('SIGTERM');
    assert.match(await reply.text(), /data: \[DONE\]/);
    assert.equal((await running.waitForExit()).code, 0);
    assert.deepEqual(
      sink
        .spans()
        .map((span) => [span.kind, span.attributes['sightline.outcome']])
        .sort(),
      [
        ['CLIENT', 'completed'],
        ['SERVER', 'completed'],
      ],
    );
  });

  it('--check validates the configuration and starts nothing', async () => {
    await writeFile(
      join(folder, 'good.yaml'),
      'upstreams: { default: https://api.openai.com }\nmiddleware: [stream-usage]\n',
    );
    await using running = start(folder, { SIGHTLINE_CONFIG: 'good.yaml' }, ['--check']);
    assert.equal((await running.waitForExit()).code, 0);
    assert.match(running.stdout, /the configuration is valid \(.*good\.yaml\)/);
  });

  for (const [what, yaml, expected] of [
    [
      'an unknown key',
      'data: { prot: 1 }',
      /sightline-bad\.yaml:1:9: data\.prot is unknown; did you mean "port"\?/,
    ],
    ['a bad value', 'log: { level: loud }', /log\.level is "loud"; expected /],
    [
      'an unknown middleware',
      'middleware: [redakt]',
      /middleware\[0\] is "redakt"; expected one of request-tags, redact, stream-usage/,
    ],
    [
      'a bad option of a middleware',
      'middleware: [{ redact: { patterns: [{ name: x, pattern: "(" }] } }]',
      /middleware\[0\]\.redact\.patterns\.0: expected a regular expression/,
    ],
    ['an admin plane without a token', 'admin: { host: 0.0.0.0 }', /token/],
  ] as const) {
    for (const args of what === 'an unknown key' ? [['--check'], []] : [['--check']]) {
      it(`${args[0] ?? 'without --check it'} ends with a message that names ${what}`, async () => {
        await writeFile(join(folder, 'sightline-bad.yaml'), yaml);
        await using running = start(folder, { SIGHTLINE_CONFIG: 'sightline-bad.yaml' }, [...args]);
        assert.equal((await running.waitForExit()).code, 1);
        assert.match(running.stderr, expected);
        assert.doesNotMatch(running.stderr, /^\s+at /m, 'no stack');
      });
    }
  }

  it('--check finds what standard variables name wrongly, as the start does', async () => {
    const env = {
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/xml',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318',
      OTEL_METRICS_EXPORTER: 'prometheus',
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'yes',
    };
    await using checking = start(folder, env, ['--check']);
    await using starting = start(folder, env);
    assert.equal((await checking.waitForExit()).code, 1);
    assert.equal((await starting.waitForExit()).code, 1);
    assert.match(checking.stderr, /^sightline: The configuration has 4 problems:$/m);
    assert.match(checking.stderr, /^ {2}OTEL_METRICS_EXPORTER: 'prometheus' is not known; expected one of/m);
    assert.equal(checking.stderr, starting.stderr);
  });

  it('--check tells what a start warns of, and calls it valid', async () => {
    await using running = start(folder, { OTEL_TRACES_SAMPLER: 'foo' }, ['--check']);
    assert.equal((await running.waitForExit()).code, 0);
    assert.match(running.stderr, /^sightline: warning: OTEL_TRACES_SAMPLER: 'foo' is not known/);
    assert.match(running.stdout, /the configuration is valid/);
  });

  it('says where a plugin is wrong without which it must not start', async () => {
    await writeFile(join(folder, 'guard.plugin.ts'), 'export default 1 +;\n');
    await writeFile(join(folder, 'required.yaml'), 'plugins: { folder: ., required: [guard] }\n');
    await using running = start(folder, { SIGHTLINE_CONFIG: 'required.yaml' });
    assert.equal((await running.waitForExit()).code, 1);
    assert.match(running.stderr, /The required plugin 'guard' is not active/);
    assert.doesNotMatch(running.stderr, /^\s+at /m, 'no stack');
  });

  it('says which address is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    await using running = start(folder, { SIGHTLINE_PORT: port });
    assert.equal((await running.waitForExit()).code, 1);
    assert.match(running.stderr, new RegExp(`EADDRINUSE.*${port}`));
    other.close();
  });
});
