// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the syntax of the file
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problems.ts';
import { upstreamLimitNames } from '../../src/limits.ts';

const root = mkdtempSync(join(tmpdir(), 'sightline-problems-'));
after(() => rmSync(root, { recursive: true }));

/** The problems with a `sightline.yaml` of this content. */
function problems(yaml: string | Buffer | undefined, env: NodeJS.ProcessEnv = {}): readonly string[] {
  const cwd = mkdtempSync(join(root, 'case-'));
  if (yaml !== undefined) writeFileSync(join(cwd, 'sightline.yaml'), yaml);
  return problemsIn(cwd, env);
}

function problemsIn(cwd: string, env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfig(env, cwd);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems;
  }
  return [];
}

const address = 'an address that begins with http://, https://, ws:// or wss://';
const blanks = 'a text of visible characters on one line, without blanks at its ends (numbers in quotes)';
const middleware = 'a name, or a mapping of one name to its options';
const ports = 'an integer from 0 to 65535 (0 takes a free port)';
const token = 'a text of at least 16 visible ASCII characters without blanks';

/** The file, then what is said about it; each line without `sightline.yaml:`. */
// biome-ignore format: one case a line
const files: readonly [string, ...string[]][] = [
  // keys
  ['data: { prot: 1 }', '1:9: data.prot is unknown; did you mean "port"?'],
  ['log: { colour: 1 }', '1:8: log.colour is unknown; known here: level, exchanges'],
  ['upstream: http://a', '1:1: upstream is unknown; did you mean "upstreams"?'],
  ['log:\n  level: info\n  level: debug', '3:3: log.level is given twice; expected once'],
  ['__proto__: { port: 1 }', '1:1: __proto__ is unknown; known here: data, admin, upstreams, middleware, plugins, telemetry, alerts, log, limits'],
  // shapes
  ['- data', '1:1: the configuration is a list; expected a mapping (keys: data, admin, upstreams, middleware, plugins, telemetry, alerts, log, limits)'],
  ['data: 4000', '1:7: data is 4000; expected a mapping (keys: host, port, origins)'],
  ['upstreams: [http://a]', '1:12: upstreams is a list; expected a mapping of names to addresses'],
  ['plugins: { folder: [a] }', '1:20: plugins.folder is a list; expected the path of a folder'],
  // listening
  ['data: { port: 65536 }', `1:15: data.port is 65536; expected ${ports}`],
  ['data:\n  port: 80a', `2:9: data.port is "80a"; expected ${ports}`],
  ['data: { host: "http://a" }', '1:15: data.host is "http://a"; expected an IP address or a host name, without port or brackets'],
  ['data: { host: 127.0.0.1.5 }', '1:15: data.host is "127.0.0.1.5"; expected an IP address or a host name, without port or brackets'],
  ['admin: { token: short }', `1:17: admin.token is ***; expected ${token}`],
  ['admin: { host: 0.0.0.0 }', '1:16: admin.host is "0.0.0.0"; expected a loopback address such as 127.0.0.1, or a token beside it: set SIGHTLINE_ADMIN_TOKEN or admin.token'],
  ['admin: { token: 0123456789abcdef, tokenFile: a }', '1:46: admin.tokenFile is ***; expected nothing, where admin.token is set'],
  ['admin: { jaegerUrl: localhost:16686 }', '1:21: admin.jaegerUrl is "localhost:16686"; expected an address that begins with http:// or https://'],
  ['admin: { jaegerUrl: javascript:alert(1) }', '1:21: admin.jaegerUrl is "javascript:alert(1)"; expected an address that begins with http:// or https://'],
  ['admin: { jaegerUrl: http://me:secret@host/ }', '1:21: admin.jaegerUrl is "http://***@host/"; expected an address without user name and password'],
  ['admin: { jaegerUrl: "http://host/?key=secret" }', '1:21: admin.jaegerUrl is "http://host/?***"; expected an address without query and fragment'],
  ['data: { port: 4001 }', '1:15: data.port is 4001; expected another port than admin.port, which listens on it too'],
  ['data: { host: 127.0.0.1 }\nadmin: { port: 4000 }', '2:16: admin.port is 4000; expected another port than data.port, which listens on it too'],
  // upstreams
  ['upstreams: { a: ftp://a }', `1:17: upstreams.a is "ftp://a"; expected ${address}`],
  ['upstreams: { a: "ws:/a" }', `1:17: upstreams.a is "ws:/a"; expected ${address}`],
  ['upstreams: { a: wss://me:secret@host/ }', '1:17: upstreams.a is "wss://***@host/"; expected an address without user name and password; give them in "headers" as authorization'],
  ['upstreams: { a: { url: "http://" } }', `1:24: upstreams.a.url is "http://"; expected ${address}`],
  ['upstreams:\n  a: { provider: x }', `2:3: upstreams.a.url is missing; expected ${address}`],
  ['upstreams: { a: https://me:secret@host/ }', '1:17: upstreams.a is "https://***@host/"; expected an address without user name and password; give them in "headers" as authorization'],
  ['upstreams: { a: "https://host/?key=secret" }', '1:17: upstreams.a is "https://host/?***"; expected an address without query and fragment: those come with each request'],
  ['upstreams: { My_One: http://a }', '1:14: upstreams.My_One cannot be a key here; expected a name of lower-case letters, digits and "-", with a letter in it, beginning with no "-"'],
  ['upstreams: { stream: http://a }', '1:14: upstreams.stream cannot be a key here; expected another name than stream, which Sightline keeps for itself'],
  ['upstreams: { a: { url: http://a, headers: { x-key: 12 } } }', `1:52: upstreams.a.headers.x-key is ***; expected ${blanks}`],
  ['upstreams: { a: { url: http://a, headers: { x-key: "a\\nb" } } }', `1:52: upstreams.a.headers.x-key is ***; expected ${blanks}`],
  ['upstreams: { a: { url: http://a, headers: { "x key": a } } }', '1:45: upstreams.a.headers.x key cannot be a key here; expected a header name: letters, digits and "-"'],
  ['upstreams: { a: { url: http://a, headers: { Host: a } } }', '1:45: upstreams.a.headers.Host cannot be a key here; expected another header: this one belongs to the connection, and the transport sets it'],
  ['upstreams: { a: { url: http://a, headers: { x-a: b, X-A: c } } }', '1:58: upstreams.a.headers.X-A is ***; expected each header once, in one spelling'],
  ['upstreams: { a: { url: http://a, probe: true } }', '1:41: upstreams.a.probe is true; expected false, or a mapping with the key path'],
  ['upstreams: { a: { url: http://a, limits: { tracesMax: 1 } } }', `1:44: upstreams.a.limits.tracesMax is unknown; known here: ${upstreamLimitNames.join(', ')}`],
  // the rest
  ['middleware: redact', '1:13: middleware is "redact"; expected a list of middleware, in order'],
  ['middleware: [redact, { a: 1, b: 2 }]', `1:22: middleware[1] is a mapping; expected ${middleware}`],
  ['middleware: [4]', `1:14: middleware[0] is 4; expected ${middleware}`],
  ['telemetry: { clientTrace: child }', '1:27: telemetry.clientTrace is "child"; expected one of parent, link, ignore'],
  ['telemetry: { spanThresholdMs: -1 }', '1:31: telemetry.spanThresholdMs is -1; expected a number of milliseconds, 0 or more'],
  ['log: { exchanges: 1 }', '1:19: log.exchanges is 1; expected true or false'],
  ['log: { level: loud }', '1:15: log.level is "loud"; expected one of trace, debug, info, warn, error, silent'],
  ['limits: { queryBytesMax: 0 }', '1:26: limits.queryBytesMax is 0; expected an integer above 0'],
  ['limits: { queryBytesMax: 1.5 }', '1:26: limits.queryBytesMax is 1.5; expected an integer above 0'],
  ['limits: { querybytesMax: 1 }', '1:11: limits.querybytesMax is unknown; did you mean "queryBytesMax"?'],
  ['limits: { hookTimeoutMs: 2147483648 }', '1:26: limits.hookTimeoutMs is 2147483648; expected a number of milliseconds from 1 to 2147483647'],
  ['limits: { requestTimeoutMs: 10, requestHeadersTimeoutMs: 11 }', '1:58: limits.requestHeadersTimeoutMs is 11; expected at most requestTimeoutMs, which includes it'],
  // variables
  ['log: { level: "${LEVEL}" }', '1:8: log.level needs the variable LEVEL, which is not set'],
  ['log: { level: "${LEVEL:-info}" }', '1:8: log.level has a "${" that names no variable; expected "${NAME}", or "$${" for the characters themselves'],
  ['middleware:\n  - redact: { patterns: ["^${A}"] }', '2:26: middleware[0].redact.patterns[0] needs the variable A, which is not set'],
  // YAML
  ['admin: { token: ${TOKEN} }', '1:18: this is not valid YAML: Unexpected flow-map-start at node end; inside { } and [ ], text with "${NAME}" needs quotes'],
  ['data: [1\nlog:', '2:1: this is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  ['log: {}\n\tdata: {}', '2:1: this is not valid YAML: Tabs are not allowed as indentation'],
  ['log: !secret x', '1:6: this is not valid YAML: Unresolved tag: !secret'],
  ['[data]: 1', '1:1: this is not valid YAML: a key has to be a plain text'],
  ['log: *level', '1:1: this alias names no anchor that stands before it'],
  ['log: &log { level: *log }', '1:13: expected at most 20000 values, nested at most 32 deep'],
  ['log: {}\n---\ndata: {}', '2:1: this is not valid YAML: one document was expected, and this begins another'],
];

describe('what is wrong with a file is said by place, key, value and expectation', () => {
  for (const [yaml, ...expected] of files) {
    test(yaml.replaceAll('\n', ' ⏎ '), () => {
      assert.deepEqual(
        problems(yaml),
        expected.map((line) => `sightline.yaml:${line}`),
      );
    });
  }
});

/** The environment, then what is said about it. */
// biome-ignore format: one case a line
const environments: readonly [NodeJS.ProcessEnv, ...string[]][] = [
  [{ SIGHTLINE_PORT: 'http' }, `SIGHTLINE_PORT: data.port is "http"; expected ${ports}`],
  [{ SIGHTLINE_PORT: '-1' }, `SIGHTLINE_PORT: data.port is "-1"; expected ${ports}`],
  [{ SIGHTLINE_PROT: '1' }, 'SIGHTLINE_PROT: this variable is unknown; did you mean SIGHTLINE_PORT?'],
  [{ SIGHTLINE_X: '1' }, 'SIGHTLINE_X: this variable is unknown; known are SIGHTLINE_CONFIG, SIGHTLINE_UPSTREAM, SIGHTLINE_HOST, SIGHTLINE_PORT, SIGHTLINE_ADMIN_HOST, SIGHTLINE_ADMIN_PORT, SIGHTLINE_ADMIN_TOKEN, SIGHTLINE_ADMIN_TOKEN_FILE, SIGHTLINE_JAEGER_URL, SIGHTLINE_PLUGINS'],
  [{ SIGHTLINE_PORT: 'tcp://10.0.0.1:4000' }, 'SIGHTLINE_PORT: Kubernetes set this for its service "sightline"; expected a port: set enableServiceLinks: false for the pod, or give the service another name'],
  [{ SIGHTLINE_ADMIN_TOKEN: 'hunter2' }, `SIGHTLINE_ADMIN_TOKEN: admin.token is ***; expected ${token}`],
  [{ SIGHTLINE_ADMIN_HOST: '::' }, 'SIGHTLINE_ADMIN_HOST: admin.host is "::"; expected a loopback address such as 127.0.0.1, or a token beside it: set SIGHTLINE_ADMIN_TOKEN or admin.token'],
  [{ SIGHTLINE_JAEGER_URL: 'jaeger:16686' }, 'SIGHTLINE_JAEGER_URL: admin.jaegerUrl is "jaeger:16686"; expected an address that begins with http:// or https://'],
  [{ SIGHTLINE_UPSTREAM: 'api.openai.com' }, `SIGHTLINE_UPSTREAM: upstreams.default.url is "api.openai.com"; expected ${address}`],
  [{ SIGHTLINE_PORT: '9', SIGHTLINE_ADMIN_PORT: '9' }, 'SIGHTLINE_PORT: data.port is "9"; expected another port than admin.port, which listens on it too'],
  [{ SIGHTLINE_CONFIG: 'missing.yaml' }, 'SIGHTLINE_CONFIG: "missing.yaml" cannot be used: there is no such file'],
  [{ SIGHTLINE_CONFIG: '.' }, 'SIGHTLINE_CONFIG: "." cannot be used: expected a file, this is a folder'],
  [{ SIGHTLINE_CONFIG: '/dev/zero' }, 'SIGHTLINE_CONFIG: "/dev/zero" cannot be used: expected at most 1048576 bytes'],
];

describe('what is wrong with a variable is said by its name', () => {
  for (const [env, ...expected] of environments) {
    test(JSON.stringify(env), () => assert.deepEqual(problems(undefined, env), expected));
  }
});

test('everything wrong is listed at once: variables first, then the file from top to bottom', () => {
  const yaml = 'log: { level: loud }\nupstreams:\n  a: nowhere\ndata: { prot: 1, port: x }\n';
  const cwd = mkdtempSync(join(root, 'case-'));
  writeFileSync(join(cwd, 'sightline.yaml'), yaml);
  assert.throws(() => loadConfig({ SIGHTLINE_ADMIN_PORT: 'y', SIGHTLINE_HOTS: 'z' }, cwd), {
    name: 'ConfigError',
    message: `The configuration has 6 problems:
  SIGHTLINE_HOTS: this variable is unknown; did you mean SIGHTLINE_HOST?
  SIGHTLINE_ADMIN_PORT: admin.port is "y"; expected ${ports}
  sightline.yaml:1:15: log.level is "loud"; expected one of trace, debug, info, warn, error, silent
  sightline.yaml:3:6: upstreams.a is "nowhere"; expected ${address}
  sightline.yaml:4:9: data.prot is unknown; did you mean "port"?
  sightline.yaml:4:24: data.port is "x"; expected ${ports}`,
  });
});

test('a value that a variable brought is shown as the file has it', () => {
  assert.deepEqual(
    problems('data: { host: "${SECRET}" }\nadmin: { token: "${SECRET}" }', { SECRET: 'a b' }),
    [
      'sightline.yaml:1:15: data.host is "${SECRET}"; expected an IP address or a host name, without port or brackets',
      `sightline.yaml:2:17: admin.token is "\${SECRET}"; expected ${token}`,
    ],
  );
});

test('a file that is not text, too large, or a folder is refused', () => {
  assert.deepEqual(problems(Buffer.from([0x61, 0xff])), [
    'sightline.yaml: the file cannot be used: expected text in UTF-8',
  ]);
  assert.deepEqual(problems(Buffer.alloc(1024 * 1024 + 1, '#')), [
    'sightline.yaml: the file cannot be used: expected at most 1048576 bytes',
  ]);
  const cwd = mkdtempSync(join(root, 'case-'));
  mkdirSync(join(cwd, 'sightline.yaml'));
  assert.deepEqual(problemsIn(cwd, {}), [
    'sightline.yaml: the file cannot be used: expected a file, this is a folder',
  ]);
});
