import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runNode } from '../support/run-process.ts';
import { FakeServer } from './fake-server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tsc = join(root, 'node_modules/typescript/bin/tsc');

/** What an app writes. */
const app = `
import { connect, QueryError, type Query, type Reply, type StateChange } from 'sightline/client';

interface Completion { readonly choices: readonly { readonly text: string }[] }
const states: StateChange['state'][] = [];
const sightline = connect(URL_OF_SERVER, { onState: ({ state }) => states.push(state) });
await sightline.ready;
const query: Query<Completion> = sightline.query<Completion>({ path: '/v1/completions', body: { prompt: 'Hello!' } });
const reply: Reply<Completion> = await query;
const texts: (string | undefined)[] = [reply.body?.choices[0]?.text, reply.headers.get('x-greeting') ?? undefined];
for await (const { data, text } of sightline.query<Completion>({ path: '/v1/completions', body: { stream: true } }))
  texts.push(data?.choices[0]?.text ?? text);
const { message } = await sightline.send<{ text: string }>({ type: 'translate', text: 'Hello!' });
texts.push(message.text);
try {
  await sightline.query({ path: '/v1/nothing', signal: AbortSignal.timeout(60_000) });
} catch (error) {
  if (error instanceof QueryError) texts.push(error.code, String(error.status), error.traceId);
}
await sightline.close();
console.log(JSON.stringify([texts, states]));
`;

describe('the built package', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sightline-package-'));
    await build(folder);
    await mkdir(join(folder, 'app/node_modules'), { recursive: true });
    await writeFile(join(folder, 'app/package.json'), '{ "type": "module" }');
    // Its packages are not installed: the client needs none.
    await symlink(join(folder, 'dist'), join(folder, 'app/node_modules/sightline'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('has a client without dependencies, and without anything of Node alone', async () => {
    const client = join(folder, 'dist/client');
    const files = (await readdir(client)).filter((name) => name.endsWith('.js'));
    assert.ok(files.includes('index.js'));
    for (const file of files) {
      const text = await readFile(join(client, file), 'utf8');
      for (const [, from] of text.matchAll(/(?:from|import) '([^']+)'/g))
        assert.match(from ?? '', /^\.\/[\w-]+\.js$/);
      assert.doesNotMatch(
        text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''),
        /\b(?:process|Buffer|require|global)\b/,
      );
    }
  });

  it('has types that need nothing else, in a browser and in Node', async () => {
    const url = "'ws://localhost:4000/stream'";
    for (const [name, options] of Object.entries({
      browser: { lib: ['es2022', 'dom'], types: [] },
      node: { lib: ['es2024'], types: ['node'], typeRoots: [join(root, 'node_modules/@types')] },
    })) {
      await writeFile(join(folder, 'app/main.ts'), app.replace('URL_OF_SERVER', url));
      const compilerOptions = {
        target: 'es2022',
        module: 'nodenext',
        strict: true,
        noEmit: true,
        ...options,
      };
      const project = join(folder, `app/tsconfig.${name}.json`);
      await writeFile(project, JSON.stringify({ compilerOptions, files: ['main.ts'] }));
      await run([tsc, '-p', project], join(folder, 'app'));
    }
  });

  it('runs in plain Node, and lets the process end when it is closed', async () => {
    await using server = await FakeServer.start();
    const played = play(server);
    await writeFile(join(folder, 'app/main.mts'), app.replace('URL_OF_SERVER', JSON.stringify(server.url)));
    const stdout = await run(['main.mts'], join(folder, 'app'));
    await played;
    assert.deepEqual(JSON.parse(stdout), [
      ['Hi!', 'warm', 'H', 'i', '[DONE]', 'Servus!', 'route_unknown', '404', 'abc'],
      ['connecting', 'open', 'closed'],
    ]);
  });
});

/** As `npm run build` does it, for the client and what its types need. */
async function build(folder: string): Promise<void> {
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  const project = join(folder, 'tsconfig.json');
  await writeFile(
    project,
    JSON.stringify({
      extends: join(root, 'tsconfig.build.json'),
      compilerOptions: {
        rootDir: join(root, 'src'),
        outDir: join(folder, 'dist'),
        typeRoots: [join(root, 'node_modules/@types')],
      },
      include: [join(root, 'src/client')],
    }),
  );
  await run([tsc, '-p', project], folder);
  await run([join(root, 'scripts/package.ts')], folder);
}

/** Plays the server for the app. */
async function play(server: FakeServer): Promise<void> {
  const connection = await server.connection();
  const choices = (text: string) => ({ choices: [{ text }] });
  const whole = await connection.next();
  connection.respond(whole.id, { body: choices('Hi!'), headers: { 'X-Greeting': 'warm' } });
  const streamed = await connection.next();
  for (const data of [choices('H'), choices('i'), '[DONE]'])
    connection.send({ type: 'chunk', id: streamed.id, status: 200, data });
  connection.respond(streamed.id);
  const sent = await connection.next();
  connection.send({ type: 'translated', id: sent.id, text: 'Servus!' });
  const wrong = await connection.next();
  const error = { code: 'route_unknown', message: 'No upstream.', status: 404, traceId: 'abc' };
  connection.send({ type: 'error', id: wrong.id, error });
}

/** Returns what was written to stdout; fails with all of it. */
async function run(args: readonly string[], cwd: string): Promise<string> {
  await using running = runNode(args, { cwd });
  const { code } = await running.waitForExit(60_000);
  assert.equal(code, 0, running.stdout + running.stderr);
  return running.stdout;
}
