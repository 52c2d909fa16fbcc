// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the syntax of the file
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { defaultLimits } from '../../src/limits.ts';

const root = mkdtempSync(join(tmpdir(), 'sightline-config-'));
after(() => rmSync(root, { recursive: true }));

/** Loads a configuration from a folder that holds this `sightline.yaml`, or no file at all. */
function load(yaml?: string | Buffer, env: NodeJS.ProcessEnv = {}): Config {
  const cwd = mkdtempSync(join(root, 'case-'));
  if (yaml !== undefined) writeFileSync(join(cwd, 'sightline.yaml'), yaml);
  const config = loadConfig(env, cwd);
  const { plugins } = config;
  // Each case has a folder of its own, and what is below it is told from there.
  const folder = plugins.folder.startsWith(cwd) ? `.${plugins.folder.slice(cwd.length)}` : plugins.folder;
  return Object.freeze({ ...config, plugins: Object.freeze({ ...plugins, folder }) });
}

describe('without a file', () => {
  test('everything has its default', () => {
    assert.deepEqual(load(), {
      source: undefined,
      data: { host: '0.0.0.0', port: 4000, origins: [] },
      admin: { host: '127.0.0.1', port: 4001, token: undefined, tokenFile: undefined, jaegerUrl: undefined },
      upstreams: [],
      middleware: [],
      plugins: { folder: './plugins', watch: true, required: [], config: {} },
      telemetry: { clientTrace: 'parent', spanThresholdMs: 1 },
      alerts: { thresholds: {}, webhooks: [], alertmanagers: [] },
      log: { level: 'info', exchanges: true },
      limits: defaultLimits,
    });
  });

  test('one variable is enough for an upstream', () => {
    const [upstream, ...others] = load(undefined, {
      SIGHTLINE_UPSTREAM: 'https://api.openai.com/v1/',
    }).upstreams;
    assert.equal(upstream?.url.href, 'https://api.openai.com/v1');
    assert.deepEqual(
      { ...upstream, url: undefined },
      {
        name: 'default',
        prefix: '/',
        url: undefined,
        provider: undefined,
        headers: {},
        probe: { path: '/' },
        compression: false,
        limits: defaultLimits,
      },
    );
    assert.deepEqual(others, []);
  });

  test('another Sightline is found where the stream protocol is, unless its address has a path', () => {
    for (const [address, href] of [
      ['ws://hub:4000', 'ws://hub:4000/stream'],
      ['wss://hub/', 'wss://hub/stream'],
      ['WS://hub:4000/stream/', 'ws://hub:4000/stream'],
      ['wss://gateway/teams/a/stream', 'wss://gateway/teams/a/stream'],
    ]) {
      assert.equal(load(undefined, { SIGHTLINE_UPSTREAM: address }).upstreams[0]?.url.href, href);
      assert.equal(load(`upstreams: { a: "${address}" }`).upstreams[0]?.url.href, href);
    }
  });

  test('a file with the admin token stands for the token, seen from where the service was started', () => {
    const env = { SIGHTLINE_ADMIN_HOST: '0.0.0.0', SIGHTLINE_ADMIN_TOKEN_FILE: 'run/token' };
    const { admin } = load(undefined, env);
    assert.equal(admin.token, undefined);
    assert.ok(admin.tokenFile?.startsWith(root) && admin.tokenFile.endsWith('/run/token'), admin.tokenFile);
  });

  test('each variable sets its key', () => {
    const config = load(undefined, {
      SIGHTLINE_HOST: '::1',
      SIGHTLINE_PORT: '0',
      SIGHTLINE_ADMIN_HOST: '0.0.0.0',
      SIGHTLINE_ADMIN_PORT: '0',
      SIGHTLINE_ADMIN_TOKEN: 'a-token-of-20-chars!',
      SIGHTLINE_JAEGER_URL: 'https://jaeger.example.com/ui//',
      SIGHTLINE_PLUGINS: '/opt/plugins',
    });
    assert.deepEqual(config.data, { host: '::1', port: 0, origins: [] });
    assert.deepEqual(config.admin, {
      host: '0.0.0.0',
      port: 0,
      token: 'a-token-of-20-chars!',
      tokenFile: undefined,
      jaegerUrl: new URL('https://jaeger.example.com/ui'),
    });
    assert.equal(config.plugins.folder, '/opt/plugins');
  });

  test('a variable that is set to nothing is not set', () => {
    const env = { SIGHTLINE_CONFIG: '', SIGHTLINE_PORT: '', SIGHTLINE_UPSTREAM: '', SIGHTLINE_PROT: '' };
    assert.deepEqual(load(undefined, env), load());
  });

  test("what Kubernetes sets for a service's neighbours is passed over", () => {
    const env = { SIGHTLINE_SERVICE_HOST: '10.0.0.1', SIGHTLINE_PORT_4000_TCP: 'tcp://10.0.0.1:4000' };
    assert.deepEqual(load(undefined, env), load());
  });
});

describe('a file', () => {
  const everything = `
data: { host: 127.0.0.1, port: 5000, origins: ['https://app.example.com'] }
admin: { host: localhost, port: 5001, token: "\${TOKEN}", jaegerUrl: "https://jaeger.example.com/" }
upstreams:
  anthropic:
    url: https://api.anthropic.com
    provider: anthropic
    headers: { X-Api-Key: "key \${KEY}", x-literal: "$\${KEY}" }
    probe: { path: /v1/models }
    limits: { replyHeadTimeoutMs: 30000 }
  default: http://[::1]:8080/base/
  quiet: { url: "http://10.0.0.1", probe: false, headers: }
middleware:
  - stream-usage
  - request-tags: { tags: { team: x-team } }
  - redact:
plugins: { folder: plugins-of-ours, watch: false, required: [tenant], config: { tenant: { unknown: refuse } } }
telemetry: { clientTrace: link, spanThresholdMs: 0.5 }
log: { level: debug, exchanges: false }
limits: { queryBytesMax: "\${BYTES}", replyHeadTimeoutMs: 40000 }
`;
  const env = { TOKEN: '0123456789abcdef', KEY: 'sk-1', BYTES: '1048576' };

  test('can say everything', () => {
    const config = load(everything, env);
    assert.match(config.source ?? '', /case-.*\/sightline\.yaml$/);
    assert.deepEqual(config.data, {
      host: '127.0.0.1',
      port: 5000,
      origins: ['https://app.example.com'],
    });
    assert.deepEqual(config.admin, {
      host: 'localhost',
      port: 5001,
      token: '0123456789abcdef',
      tokenFile: undefined,
      jaegerUrl: new URL('https://jaeger.example.com'),
    });
    assert.deepEqual(config.middleware, [
      { name: 'stream-usage', options: undefined },
      { name: 'request-tags', options: { tags: { team: 'x-team' } } },
      { name: 'redact', options: undefined },
    ]);
    assert.deepEqual(config.plugins, {
      folder: './plugins-of-ours',
      watch: false,
      required: ['tenant'],
      config: { tenant: { unknown: 'refuse' } },
    });
    assert.deepEqual(config.telemetry, { clientTrace: 'link', spanThresholdMs: 0.5 });
    assert.deepEqual(config.log, { level: 'debug', exchanges: false });
    const global = { ...defaultLimits, queryBytesMax: 1_048_576, replyHeadTimeoutMs: 40_000 };
    assert.deepEqual(config.limits, global);
  });

  test('keeps the order of its upstreams, and what each says for itself', () => {
    const { upstreams, limits } = load(everything, env);
    assert.deepEqual(
      upstreams.map(({ name, prefix, url, probe }) => [name, prefix, url.href, probe]),
      [
        ['anthropic', '/anthropic', 'https://api.anthropic.com/', { path: '/v1/models' }],
        ['default', '/', 'http://[::1]:8080/base', { path: '/' }],
        ['quiet', '/quiet', 'http://10.0.0.1/', false],
      ],
    );
    assert.deepEqual(upstreams[0]?.headers, { 'x-api-key': 'key sk-1', 'x-literal': '${KEY}' });
    assert.equal(upstreams[0]?.provider, 'anthropic');
    assert.deepEqual(upstreams[0]?.limits, { ...limits, replyHeadTimeoutMs: 30_000 });
    assert.deepEqual(upstreams[1]?.limits, limits);
  });

  test('yields to variables, which leave the rest of it alone', () => {
    const shorthand = load('upstreams: { default: "${NOT_SET}" }', { SIGHTLINE_UPSTREAM: 'http://new' });
    assert.equal(shorthand.upstreams[0]?.url.href, 'http://new/');
    const long = load('upstreams: { default: { url: http://old, provider: mine } }', {
      SIGHTLINE_UPSTREAM: 'http://new',
    });
    assert.equal(long.upstreams[0]?.url.href, 'http://new/');
    assert.equal(long.upstreams[0]?.provider, 'mine');
  });

  test('may be empty, or say nothing', () => {
    for (const yaml of ['', '# nothing yet\n', 'upstreams:\nlog:\n', '{}', '\uFEFF']) {
      assert.deepEqual({ ...load(yaml), source: undefined }, load(), yaml);
    }
  });

  test('may repeat itself by anchor', () => {
    const { upstreams } = load(
      'upstreams:\n  a: { url: http://a, headers: &all { x-team: one } }\n  b: { url: http://b, headers: *all }\n',
    );
    assert.deepEqual(upstreams[1]?.headers, { 'x-team': 'one' });
  });

  test('may have any name and place', () => {
    const path = join(root, 'other.yml');
    writeFileSync(path, 'data: { port: 1234 }');
    const config = load(undefined, { SIGHTLINE_CONFIG: path });
    assert.equal(config.source, path);
    assert.equal(config.data.port, 1234);
  });
});

test('the result is frozen, to the innermost', () => {
  const config = load(
    'middleware: [{ a: { b: { c: 1 } } }]\nupstreams: { default: { url: http://a, headers: { a: b } } }',
  );
  const freeze = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || value instanceof URL) return;
    assert.ok(Object.isFrozen(value));
    for (const member of Object.values(value)) freeze(member);
  };
  freeze(config);
});
