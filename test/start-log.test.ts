import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { attribute, lineKey, logEvent } from '../src/telemetry/names.ts';
import { PluginFolder } from './plugins/folder.ts';
import { type RunningProcess, runNode, runProcess } from './support/run-process.ts';
import { hasTerminal, runInTerminal } from './support/terminal.ts';
import { parsePage, total } from './telemetry/prometheus-text.ts';
import { until } from './telemetry/stage.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const basis = {
  SIGHTLINE_PORT: '0',
  SIGHTLINE_ADMIN_PORT: '0',
  SIGHTLINE_HOST: '127.0.0.1',
  OTEL_TRACES_EXPORTER: 'none',
};

async function chat(data: string, model = 'sim-tokens-2', id = 'chat-1'): Promise<number> {
  const reply = await fetch(`${data}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': id },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }] }),
  });
  await reply.text();
  return reply.status;
}

async function urls(running: RunningProcess): Promise<{ data: string; admin: string }> {
  const [, data = '', admin = ''] = await running.waitForLine(/data (http:\S+) · admin (http:\S+)/);
  return { data, admin };
}

describe('the log of a process', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sightline-log-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('is lines of JSON and nothing else where programs read it, and whole after SIGTERM', async () => {
    await using running = runNode([main], { cwd: folder, env: basis });
    const { data } = await urls(running);
    for (let i = 0; i < 20; i += 1) await chat(data, 'sim-tokens-2', `chat-${i}`);
    running.kill('SIGTERM');
    assert.deepEqual(await running.waitForExit(), { code: 0, signal: null });
    const records = running.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const ids = records
      .filter((record) => record[lineKey.event] === logEvent.exchange)
      .map((record) => record[attribute.exchangeId]);
    assert.deepEqual(
      ids,
      Array.from({ length: 20 }, (_, i) => `chat-${i}`),
    );
    assert.ok(records.every(({ level, time, msg }) => level && time && msg));
  });

  it('is written to its end when the process dies of an error', async () => {
    await writeFile(
      join(folder, 'dies.ts'),
      `import { openLines } from '${new URL('../src/telemetry/logs/open-lines.ts', import.meta.url)}';
       import { defaultLimits } from '${new URL('../src/limits.ts', import.meta.url)}';
       const lines = await openLines(process.stdout, defaultLimits);
       for (let i = 0; i < 50; i += 1) lines.add({ time: i }, false);
       throw new Error('boo');`,
    );
    await using running = runNode([join(folder, 'dies.ts')]);
    assert.equal((await running.waitForExit()).code, 1);
    assert.equal(running.stdout.split('\n').length, 51);
  });

  /** Starts the service with a shell's way to say where its log goes; the addresses stand on standard error. */
  async function startInto(redirection: string): Promise<RunningProcess> {
    const script = join(folder, 'starts.ts');
    await writeFile(
      script,
      `import { loadConfig } from '${new URL('../src/config/load.ts', import.meta.url)}';
       import { Service } from '${new URL('../src/service.ts', import.meta.url)}';
       const { env } = process;
       const service = await Service.start({ config: loadConfig(env, process.cwd()), env });
       process.stderr.write('data ' + service.dataUrl + ' · admin ' + service.adminUrl + ' \\n');`,
    );
    const command = `exec '${process.execPath}' '${script}' > ${redirection}`;
    return runProcess('bash', ['-c', command], { cwd: folder, env: basis });
  }

  const broken: Readonly<Record<string, string>> = {
    'that nobody reads any more': '>(head -n 1)',
    'for which the disk is full': '/dev/full',
  };
  for (const [what, redirection] of Object.entries(broken)) {
    it(`${what} does not end the service; what is lost is counted`, async () => {
      await using running = await startInto(redirection);
      const { data, admin } = await urls(running);
      await until('lost lines are counted', async () => {
        assert.equal(await chat(data), 200);
        const page = parsePage(await (await fetch(`${admin}/metrics`)).text());
        const labels = { sightline_signal: 'logs', sightline_reason: 'stdout' };
        return total(page, 'sightline_telemetry_dropped_total', labels) >= 3;
      });
      assert.equal((await fetch(`${admin}/readyz`)).status, 200);
    });
  }
});

describe('the log in a terminal', { skip: hasTerminal ? false : 'script is not on the PATH' }, () => {
  it('says where to point a client and what to try, then a readable line for each exchange', async () => {
    await using running = runInTerminal([main], { cwd: tmpdir(), env: basis });
    const [curl] = await running.waitForLine(/^try: .*/);
    await running.waitForLine(/^then see: {2}http:\/\/\S+ in a browser/);
    const [, url = '', body = ''] =
      /(http\S+) -H 'content-type: application\/json' -d '(.*)'/.exec(curl) ?? [];
    const reply = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    assert.match(await reply.text(), /data: \[DONE\]/);
    const [line] = await running.waitForLine(/^.*completed.*/);
    const blank = /^\s*$/;
    const plain = stripVTControlCharacters(running.stdout).split('\r\n');
    assert.match(
      stripVTControlCharacters(line),
      /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: POST \/v1\/chat\/completions gpt-4o -> completed 200, \d+ tokens, [\d.]+ m?s\s*$/,
    );
    assert.notEqual(stripVTControlCharacters(line), line, 'it has colours');
    const at = plain.findIndex((one) => one.startsWith('sightline: data '));
    assert.match(plain[at - 1] ?? '', blank);
    assert.match(plain[at + 3] ?? '', blank);
    assert.ok(plain.every((one) => !one.startsWith('{')));
  });

  it('has one line for an alert and for a plugin that is loaded, and for errors what is known of them', async () => {
    await using folder = await PluginFolder.create();
    await folder.savePlugin('fine', '');
    await folder.save('broken', 'export default 1 +;');
    const config = {
      plugins: { folder: folder.path },
      alerts: { thresholds: { memory: { limit: 1, holdMs: 0 } } },
      limits: { snapshotIntervalMs: 100 },
    };
    const file = join(folder.path, 'sightline.yaml');
    await writeFile(file, JSON.stringify(config));
    const env = { ...basis, NO_COLOR: '1', SIGHTLINE_CONFIG: file };
    await using running = runInTerminal([main], { cwd: folder.path, env });
    await running.waitForLine(/alert 'memory' fires/);
    await chat((await urls(running)).data);
    await running.waitForLine(/completed/);
    const lines = running.stdout.split('\r\n');
    const behind = (what: RegExp) => {
      const at = lines.findIndex((line) => what.test(line));
      return at < 0 ? undefined : lines[at + 1];
    };
    const isIndented = /^ {4}/;
    assert.doesNotMatch(behind(/ INFO: plugin 'fine' is loaded$/) ?? '    none', isIndented);
    assert.match(behind(/ ERROR: broken\S* is rejected/) ?? '', isIndented);
    assert.doesNotMatch(behind(/ WARN: alert 'memory' fires: .* 1 MB\.$/) ?? '    none', isIndented);
  });

  it('has no colours where NO_COLOR is set', async () => {
    await using running = runInTerminal([main], { cwd: tmpdir(), env: { ...basis, NO_COLOR: '1' } });
    const [, data = ''] = await running.waitForLine(/data (http:\S+)/);
    await chat(data);
    const [line] = await running.waitForLine(/^.*completed.*/);
    assert.equal(stripVTControlCharacters(line), line);
  });
});
