import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scope } from '../../../src/telemetry/names.ts';
import { runNode } from '../../support/run-process.ts';
import { CapturedLog } from '../logs/captured-log.ts';
import { only, type Stage, startStage } from '../stage.ts';

const traceId = 'ab'.repeat(16);
const parentId = 'cd'.repeat(8);
const traceparent = `00-${traceId}-${parentId}-01`;

describe('the standard variables', () => {
  const requests = (stage: Stage, signal: string) =>
    stage.sink.requests.filter((one) => one.signal === signal);

  /** Three exchanges; everything that is exported has been when this resolves. */
  async function run(stage: Stage, headers = {}) {
    const answers = [];
    for (let i = 0; i < 3; i += 1) answers.push(await stage.chat({ stream: i === 1 }, headers));
    const page = await stage.page();
    await stage.service.stop();
    return { answers, count: page.get('http_server_request_duration_seconds')?.samples.at(-1)?.value };
  }

  test('OTEL_TRACES_SAMPLER=always_off: nothing is exported, everything is measured', async () => {
    await using stage = await startStage({ otel: { OTEL_TRACES_SAMPLER: 'always_off' } });
    const answer = await stage.forwarded('off', {});
    assert.match(answer.received('traceparent')[0] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    assert.match(answer.traceresponse as string, /-00$/);
    assert.deepEqual(stage.service.telemetry.traces.list(10), []);
    await stage.chat();
    const page = await stage.page();
    assert.equal(page.get('http_server_request_duration_seconds')?.samples.length, 2 * 19);
    await stage.service.stop();
    assert.deepEqual(requests(stage, 'traces'), []);
  });

  test('OTEL_TRACES_SAMPLER=traceidratio: what says that it is sampled is what is exported', async () => {
    await using stage = await startStage({
      otel: { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' },
    });
    const sampled: string[] = [];
    for (let i = 0; i < 40; i += 1) {
      const { headers } = await stage.chat();
      const [, trace = '', , flags] = String(headers.traceresponse).split('-');
      if (flags === '01') sampled.push(trace);
    }
    const page = await stage.page();
    assert.equal(page.get('http_server_request_duration_seconds')?.samples.at(-1)?.value, 40);
    await stage.service.stop();
    const exported = stage.sink.spans().filter(({ kind }) => kind === 'SERVER');
    assert.deepEqual(exported.map((span) => span.traceId).toSorted(), sampled.toSorted());
    assert.ok(sampled.length > 0 && sampled.length < 40);
  });

  test('a client that does not sample is not sampled here either', async () => {
    await using stage = await startStage();
    const { received } = await stage.forwarded('unsampled', { traceparent: `00-${traceId}-${parentId}-00` });
    assert.match(received('traceparent')[0] ?? '', new RegExp(`^00-${traceId}-.*-00$`));
    await stage.service.stop();
    assert.deepEqual(requests(stage, 'traces'), []);
  });

  test('OTEL_SDK_DISABLED: the client’s headers pass untouched, and nothing is told', async () => {
    await using stage = await startStage({
      otel: { OTEL_SDK_DISABLED: 'true', OTEL_METRICS_EXPORTER: 'otlp' },
    });
    const { received, traceresponse } = await stage.forwarded('disabled', {
      traceparent,
      tracestate: ['one=1', 'two=2'],
    });
    assert.deepEqual(received('traceparent'), [traceparent]);
    assert.deepEqual(received('tracestate'), ['one=1', 'two=2']);
    assert.equal(traceresponse, undefined);
    const { answers } = await run(stage);
    assert.deepEqual(
      answers.map(({ status, isClean, headers }) => [status, isClean, headers.traceresponse]),
      Array(3).fill([200, true, undefined]),
    );
    assert.deepEqual(stage.sink.requests, []);
  });

  test('OTEL_TRACES_EXPORTER=none: the traces of this process are kept all the same', async () => {
    await using stage = await startStage({ otel: { OTEL_TRACES_EXPORTER: 'none' } });
    await stage.chat();
    assert.equal(stage.service.telemetry.traces.list(10).length, 1);
    assert.deepEqual((await stage.service.telemetry.state()).traces, []);
    await stage.service.stop();
    assert.deepEqual(stage.sink.requests, []);
  });

  test('name the service and describe its resource', async () => {
    await using stage = await startStage({
      otel: {
        OTEL_SERVICE_NAME: 'model-gateway',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.name=overruled,team=a%20b',
      },
    });
    const { server } = await stage.spansOf((await stage.chat()).id);
    const { resource } = server;
    assert.equal(resource['service.name'], 'model-gateway');
    assert.equal(resource['deployment.environment.name'], 'test');
    assert.equal(resource.team, 'a b');
    const labels = (await stage.page()).get('target_info')?.samples[0]?.labels;
    assert.equal(labels?.service_name, 'model-gateway');
    assert.equal(labels?.deployment_environment_name, 'test');
  });

  test('leave the service its own name where they have none', async () => {
    await using stage = await startStage({ otel: { OTEL_RESOURCE_ATTRIBUTES: 'team=a' } });
    const { server } = await stage.spansOf((await stage.chat()).id);
    assert.equal(server.resource['service.name'], 'sightline');
    assert.equal(server.resource['service.version'], scope.version);
    assert.equal(server.resource.team, 'a');
    await using named = await startStage({ otel: { OTEL_RESOURCE_ATTRIBUTES: 'service.name=other' } });
    assert.equal((await named.spansOf((await named.chat()).id)).server.resource['service.name'], 'other');
  });

  const versions: [otel: Record<string, string>, name: string, version: string][] = [
    [{ OTEL_SERVICE_NAME: 'gateway' }, 'gateway', scope.version],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'service.name=gateway' }, 'gateway', scope.version],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'service.version=2026.11' }, 'sightline', '2026.11'],
    [
      { OTEL_SERVICE_NAME: 'gateway', OTEL_RESOURCE_ATTRIBUTES: 'service.version=2026.11' },
      'gateway',
      '2026.11',
    ],
  ];
  for (const [otel, name, version] of versions) {
    test(`leave the service its own version unless they have one: ${JSON.stringify(otel)}`, async () => {
      await using stage = await startStage({ otel });
      const { server } = await stage.spansOf((await stage.chat()).id);
      assert.equal(server.resource['service.name'], name);
      assert.equal(server.resource['service.version'], version);
      const labels = (await stage.page()).get('target_info')?.samples[0]?.labels;
      assert.deepEqual([labels?.service_name, labels?.service_version], [name, version]);
    });
  }

  test('give the exporter its headers and its protocol', async () => {
    await using stage = await startStage({
      otel: {
        OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=blue,authorization=Basic%20abc',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
        OTEL_METRICS_EXPORTER: 'otlp',
      },
    });
    await run(stage);
    for (const { headers, contentType, contentEncoding, signal } of stage.sink.requests) {
      assert.deepEqual([headers['x-tenant'], headers.authorization], ['blue', 'Basic abc']);
      const expected = signal === 'traces' ? 'application/x-protobuf' : 'application/json';
      assert.deepEqual([contentType, contentEncoding], [expected, 'gzip']);
    }
    assert.ok(requests(stage, 'traces').length > 0 && requests(stage, 'metrics').length > 0);
    const pushed = stage.sink.metrics().filter(({ name }) => name === 'http.server.request.duration');
    assert.equal(
      pushed.at(-1)?.points.reduce((sum, { count = 0 }) => sum + count, 0),
      3,
    );
  });

  test('OTEL_PROPAGATORS=b3: the trace comes and goes in the form of Zipkin', async () => {
    await using stage = await startStage({ otel: { OTEL_PROPAGATORS: 'b3' } });
    const { received } = await stage.forwarded('b3', { b3: `${traceId}-${parentId}-1` });
    const { server, clients } = await stage.spansOf('b3');
    assert.deepEqual([server.traceId, server.parentSpanId], [traceId, parentId]);
    assert.deepEqual(received('b3'), [`${traceId}-${only(clients).spanId}-1`]);
  });

  test('OTEL_TRACES_EXPORTER=console: spans stand on standard output', async () => {
    await using service = runNode([fileURLToPath(new URL('../../../src/main.ts', import.meta.url))], {
      cwd: tmpdir(),
      env: { SIGHTLINE_PORT: '0', SIGHTLINE_ADMIN_PORT: '0', OTEL_TRACES_EXPORTER: 'console' },
    });
    const [, url] = await service.waitForLine(/data (http:\S+)/);
    await (await fetch(`${url}/v1/models`)).text();
    await service.waitForLine(/name: 'GET \/\*'/);
  });

  test('what they name wrongly is told in one line, without a stack', async () => {
    await using service = runNode([fileURLToPath(new URL('../../../src/main.ts', import.meta.url))], {
      cwd: tmpdir(),
      env: { SIGHTLINE_PORT: '0', SIGHTLINE_ADMIN_PORT: '0', OTEL_TRACES_EXPORTER: 'jaeger' },
    });
    assert.equal((await service.waitForExit()).code, 1);
    assert.match(
      service.stderr,
      /OTEL_TRACES_EXPORTER: 'jaeger' is not known; expected one of otlp, console, none/,
    );
    assert.doesNotMatch(service.stderr, /^\s+at /m);
  });

  test('what they name wrongly and ends no start is told once, without a secret', async () => {
    const stdout = new CapturedLog();
    await using stage = await startStage({
      stdout,
      otel: { OTEL_TRACES_SAMPLER: 'foo', OTEL_EXPORTER_OTLP_HEADERS: 's3cret', OTEL_SDK_DISABLED: 'yes' },
    });
    await stage.chat();
    await stage.service.stop();
    const told = stdout.records.filter(({ msg }) => String(msg).startsWith('OTEL_'));
    assert.deepEqual(
      told.map(({ level, msg }) => [level, String(msg).split(':')[0]]),
      ['OTEL_TRACES_SAMPLER', 'OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_SDK_DISABLED'].map((name) => [
        'warn',
        name,
      ]),
    );
    assert.doesNotMatch(JSON.stringify(stdout.records), /s3cret/);
  });

  const refused: [variable: string, value: string, expected: RegExp][] = [
    [
      'OTEL_TRACES_EXPORTER',
      'jaeger',
      /OTEL_TRACES_EXPORTER: 'jaeger' is not known; expected .*otlp, console, none/,
    ],
    ['OTEL_TRACES_EXPORTER', 'otlp,zipkin', /OTEL_TRACES_EXPORTER: 'zipkin' is not known/],
    ['OTEL_METRICS_EXPORTER', 'statsd', /OTEL_METRICS_EXPORTER: 'statsd' is not known/],
    [
      'OTEL_EXPORTER_OTLP_PROTOCOL',
      'http/xml',
      /OTEL_EXPORTER_OTLP_PROTOCOL: 'http\/xml' is not known; expected .*grpc/,
    ],
    [
      'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
      'toString',
      /OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'toString' is not known/,
    ],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', /ENDPOINT: it has to be an address: http:/],
    ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', '/v1/metrics', /METRICS_ENDPOINT: it has to be an address/],
    [
      'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE',
      'deltas',
      /TEMPORALITY_PREFERENCE: 'deltas' is not known; expected one of cumulative, delta, lowmemory/,
    ],
  ];
  for (const [variable, value, expected] of refused) {
    test(`${variable}=${value} ends the start, and says what was expected`, async () => {
      await assert.rejects(startStage({ otel: { OTEL_METRICS_EXPORTER: 'otlp', [variable]: value } }), {
        name: 'ConfigError',
        message: expected,
      });
    });
  }
});

describe('the length of an attribute', () => {
  const path = `/echo/${'x'.repeat(200)}`;
  async function lengthOfPath(options: Parameters<typeof startStage>[0]): Promise<number> {
    await using stage = await startStage(options);
    await stage.send(path, { headers: { 'x-request-id': 'long' } });
    return String((await stage.spansOf('long')).server.attributes['url.path']).length;
  }

  test('is bounded by the configuration', async () => {
    assert.equal(await lengthOfPath({ config: { limits: { attributeCharsMax: 50 } } }), 50);
    assert.equal(await lengthOfPath({}), path.length);
  });

  test('is bounded by the standard variables where they are set', async () => {
    assert.equal(await lengthOfPath({ otel: { OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '30' } }), 30);
    assert.equal(await lengthOfPath({ otel: { OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '40' } }), 40);
  });
});
