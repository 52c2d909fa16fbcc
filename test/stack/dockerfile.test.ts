import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { validate } from 'dockerfile-utils';
import { RunningProcess } from '../support/run-process.ts';
import { mountsOf, parseCompose, read, root } from './compose-file.ts';
import { isIgnored, parseDockerfile } from './dockerfile.ts';
import { dockerfileProblems } from './dockerfile-checks.ts';
import { Image } from './image.ts';

const text = read('Dockerfile');
const ignore = read('.dockerignore');
const { services } = parseCompose(read('docker-compose.yml'));

describe('the Dockerfile', () => {
  const lint = (dockerfile: string) => validate(dockerfile).map(({ message }) => String(message));
  const problems = (dockerfile: string, dockerignore = ignore) =>
    dockerfileProblems(parseDockerfile(dockerfile), dockerignore, root);

  it('passes a linter', () => assert.deepEqual(lint(text), []));

  it('is pinned, copies what is there, and makes an image that is not root', () => {
    assert.deepEqual(problems(text), []);
  });

  it('has the Node that the tests run on', () => {
    const { node } = JSON.parse(read('package.json')).devDependencies;
    assert.equal(parseDockerfile(text)[0]?.from, `node:${node}-bookworm-slim`);
    assert.equal(process.versions.node, node);
  });

  const mistakes: [what: string, from: string, to: string, problem: RegExp][] = [
    [
      'an unknown instruction',
      'STOPSIGNAL SIGTERM',
      'STOPSIGNALS SIGTERM',
      /^Unknown instruction: STOPSIGNALS$/,
    ],
    ['an unknown flag', '--interval=', '--intervals=', /^Unknown flag: intervals$/],
    ['an image of any version', 'node:24.21.0-bookworm-slim', 'node:latest', /^FROM node:latest is neither/],
    ['a stage that is not there', 'FROM base AS build', 'FROM bse AS build', /^FROM bse is neither/],
    ['root', 'USER node\n', '', /^the image runs as root$/],
    ['root by its number', 'USER node\n', 'USER 0\n', /^the image runs as root$/],
    [
      'a shell',
      'ENTRYPOINT ["node", "dist/main.js"]',
      'ENTRYPOINT node dist/main.js',
      /^the image starts a shell/,
    ],
    ['no health check', 'HEALTHCHECK', 'LABEL', /^the image has no health check$/],
    [
      'a source that is not there',
      'COPY src src/',
      'COPY source src/',
      /^COPY source: there is no such file$/,
    ],
    [
      'a source that is left out',
      'COPY src src/',
      'COPY test src/',
      /^COPY test: .dockerignore leaves it out$/,
    ],
    [
      'a stage to copy from that is not there',
      '--from=build',
      '--from=built',
      /^COPY --from=built: no such stage$/,
    ],
    ['a secret', 'ENV NODE_ENV=production', 'ENV OPENAI_API_KEY=sk-1', /^ENV OPENAI_API_KEY=sk-1 would stay/],
    ['ADD', 'COPY src src/', 'ADD src src/', /^ADD /],
  ];
  for (const [what, from, to, problem] of mistakes) {
    it(`would not do with ${what}`, () => {
      assert.ok(text.includes(from), from);
      const planted = text.replace(from, to);
      const found = [...lint(planted), ...problems(planted)];
      assert.ok(
        found.some((one) => problem.test(one)),
        found.join('\n'),
      );
    });
  }
});

describe('.dockerignore', () => {
  it('keeps out all that the build does not need', () => {
    for (const path of [
      'sightline.yaml',
      '.env',
      '.git/config',
      'node_modules/ws/index.js',
      'test/errors.test.ts',
    ])
      assert.ok(isIgnored(path, ignore), path);
    for (const path of [
      'scripts/setup.mjs',
      'plugins/tenant.plugin.ts',
      'README.md',
      'dist/main.js',
      'src.key',
    ])
      assert.ok(isIgnored(path, ignore), path);
    for (const path of ['src/main.ts', 'src/config/load.ts', 'package.json', 'scripts/package.ts'])
      assert.ok(!isIgnored(path, ignore), path);
  });
});

describe('the image, as far as it can be made without Docker', () => {
  let image: Image;
  before(async () => {
    image = await Image.build(parseDockerfile(text), ignore, root);
  });
  after(() => image?.[Symbol.asyncDispose]());

  function start(args: readonly string[], env: Record<string, string> = {}): RunningProcess {
    const own = {
      ...image.env,
      SIGHTLINE_PORT: '0',
      SIGHTLINE_ADMIN_PORT: '0',
      OTEL_TRACES_EXPORTER: 'none',
    };
    return new RunningProcess(process.execPath, [...args], { cwd: image.workdir, env: { ...own, ...env } });
  }

  it('has the packages that it runs with, and no others', () => {
    const has = (name: string) => existsSync(join(image.workdir, 'node_modules', name));
    assert.deepEqual(
      ['express', 'ws', 'esbuild', `@esbuild/${process.platform}-${process.arch}`].filter(
        (name) => !has(name),
      ),
      [],
    );
    assert.deepEqual(
      ['typescript', 'node', '@biomejs/biome', 'openai', 'dclint', 'preact', 'uplot'].filter(has),
      [],
    );
    assert.ok(!existsSync(join(image.workdir, 'src')));
  });

  it('has nothing where docker-compose.yml mounts something, which would hide it', async () => {
    const targets = Object.values(services)
      .filter(({ build }) => build !== undefined)
      .flatMap(mountsOf)
      .map(({ target }) => target);
    assert.ok(targets.includes('/app/plugins'));
    for (const target of targets) assert.deepEqual(await image.hiddenBy(target), [], target);
    assert.ok((await image.hiddenBy('/app/dist')).includes('plugins'));
  });

  it('answers, is healthy, loads plugins that are mounted, and ends on SIGTERM', async () => {
    // As a mount hides what is there.
    const mounted = join(image.workdir, 'plugins');
    await rm(mounted, { recursive: true, force: true });
    await cp(join(root, 'plugins'), mounted, { recursive: true });
    await using running = start(image.entrypoint);
    const [, data = '', admin = ''] = await running.waitForLine(/data (http\S+) · admin (http\S+)/, 20_000);
    const body = JSON.stringify({ model: 'sim-tokens-2', messages: [{ role: 'user', content: 'Hi' }] });
    const reply = await fetch(`${data}/v1/chat/completions`, { method: 'POST', body });
    assert.equal(reply.status, 200);
    await reply.text();
    const { plugins } = (await (await fetch(`${admin}/api/plugins`)).json()) as {
      plugins: { name: string; state: string }[];
    };
    assert.deepEqual([...new Set(plugins.map(({ state }) => state))], ['active'], JSON.stringify(plugins));
    await using check = start(image.health, { SIGHTLINE_ADMIN_PORT: new URL(admin).port });
    assert.equal((await check.waitForExit()).code, 0);
    running.kill('SIGTERM');
    assert.deepEqual(await running.waitForExit(), { code: 0, signal: null });
  });

  it('has the page of the console as browsers get it', async () => {
    await using running = start(image.entrypoint);
    const [, admin = ''] = await running.waitForLine(/admin (http\S+)/, 20_000);
    const get = async (path: string) => {
      const reply = await fetch(admin + path, { headers: { accept: 'text/html' } });
      return { status: reply.status, text: await reply.text() };
    };
    const page = await get('/');
    assert.equal(page.status, 200);
    const parts = [...page.text.matchAll(/(?:href|src)="([\w.]+)"/g)].map(([, name]) => name);
    assert.deepEqual(parts.sort(), ['console.css', 'console.js', 'icon.svg']);
    for (const name of parts) assert.equal((await get(`/${name}`)).status, 200, name);
    const script = (await get('/console.js')).text;
    // What it is made of is inside it, and sources are not shown.
    assert.doesNotMatch(script, /^import\b|\bfrom"(?:preact|uplot|@preact)|sourceMappingURL/m);
    assert.equal((await get('/console.js.map')).status, 404);
  });

  it('is not healthy where nobody answers', async () => {
    // Nobody can listen on port 1 but root, and on loopback nobody does.
    await using check = start(image.health, { SIGHTLINE_ADMIN_PORT: '1' });
    assert.equal((await check.waitForExit()).code, 1);
  });

  it('has the traffic generator of the profile `demo`', async () => {
    const [program, ...args] = services.demo?.entrypoint ?? [];
    assert.equal(program, 'node');
    await using demo = start([...args, '--help']);
    assert.equal((await demo.waitForExit()).code, 0);
    assert.match(demo.stdout, /SIGHTLINE_URL/);
  });
});
