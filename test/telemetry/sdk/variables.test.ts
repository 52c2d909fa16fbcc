import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError } from '../../../src/config/problems.ts';
import { readVariables } from '../../../src/telemetry/sdk/variables.ts';

const samplers =
  'always_on, parentbased_always_on, always_off, parentbased_always_off, traceidratio, parentbased_traceidratio';

/** What is told of a value, and the service starts. */
const warned: [env: Record<string, string>, warning: string][] = [
  [
    { OTEL_TRACES_SAMPLER: 'foo' },
    `OTEL_TRACES_SAMPLER: 'foo' is not known; expected one of ${samplers}. parentbased_always_on holds`,
  ],
  ...['2', '-0.1', 'half'].map((ratio): [Record<string, string>, string] => [
    { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: ratio },
    `OTEL_TRACES_SAMPLER_ARG: '${ratio}' cannot be used; expected a ratio from 0 to 1. 1 holds`,
  ]),
  [
    { OTEL_EXPORTER_OTLP_HEADERS: 's3cret' },
    'OTEL_EXPORTER_OTLP_HEADERS: 1 of 1 cannot be used and is not sent; expected key=value pairs with commas between them, percent-encoded',
  ],
  [
    { OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=1,s3cret,=s3cret,b=,c=%s3cret' },
    'OTEL_EXPORTER_OTLP_TRACES_HEADERS: 4 of 5 cannot be used and are not sent; expected key=value pairs with commas between them, percent-encoded',
  ],
  [
    { OTEL_SDK_DISABLED: 'yes' },
    "OTEL_SDK_DISABLED: 'yes' does not disable anything; expected true, or false",
  ],
  [{ OTEL_BSP_SCHEDULE_DELAY: 'soon' }, "OTEL_BSP_SCHEDULE_DELAY: 'soon' cannot be used; the default holds"],
  [{ OTEL_TRACE_EXPORTER: 'none' }, 'OTEL_TRACE_EXPORTER is not known; did you mean OTEL_TRACES_EXPORTER?'],
  [
    { OTEL_EXPORTER_OLTP_ENDPOINT: 'http://127.0.0.1:4318' },
    'OTEL_EXPORTER_OLTP_ENDPOINT is not known; did you mean OTEL_EXPORTER_OTLP_ENDPOINT?',
  ],
  [
    { OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'EVENT_ONLY' },
    'prompts and replies are captured as log records, and OTEL_LOGS_EXPORTER names nobody who takes them',
  ],
];

const fine: Record<string, string>[] = [
  { OTEL_TRACES_SAMPLER: 'always_on', OTEL_TRACES_SAMPLER_ARG: 'for another sampler' },
  { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' },
  { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '' },
  { OTEL_EXPORTER_OTLP_HEADERS: ' authorization=Basic%20YTpi==, x-tenant=blue ,' },
  { OTEL_SDK_DISABLED: 'False' },
  { OTEL_BLRP_MAX_QUEUE_SIZE: '' },
  { OTEL_METRIC_EXPORT_INTERVAL: ' 1000 ' },
  { OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: '/key', OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: '9' },
  { OTEL_PYTHON_LOG_LEVEL: 'info', OTEL_NODE_RESOURCE_DETECTORS: 'env', OTEL_SERVICE_NAMESPACE: 'x' },
];

describe('of the standard variables', () => {
  for (const [env, warning] of warned) {
    test(`${JSON.stringify(env)} is warned of`, () => {
      assert.deepEqual(readVariables(env).warnings, [warning]);
    });
  }

  for (const env of fine) {
    test(`${JSON.stringify(env)} is nothing to warn of`, () => {
      assert.deepEqual(readVariables(env).warnings, []);
    });
  }

  test('everything that names something unknown is told at once', () => {
    const env = {
      OTEL_TRACES_EXPORTER: 'jaeger',
      OTEL_METRICS_EXPORTER: 'prometheus',
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/xml',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318',
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'yes',
    };
    assert.throws(
      () => readVariables(env),
      (thrown) => {
        assert.ok(thrown instanceof ConfigError);
        assert.deepEqual(
          thrown.problems.map((line) => line.slice(0, line.indexOf(':'))),
          [
            'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT',
            'OTEL_TRACES_EXPORTER',
            'OTEL_METRICS_EXPORTER',
            'OTEL_EXPORTER_OTLP_PROTOCOL',
            'OTEL_EXPORTER_OTLP_ENDPOINT',
          ],
        );
        return true;
      },
    );
  });

  test('those of exporters are of no matter where telemetry is disabled', () => {
    const env = { OTEL_SDK_DISABLED: 'TRUE', OTEL_TRACES_EXPORTER: 'jaeger', OTEL_TRACES_SAMPLER: 'foo' };
    const { isEnabled, traces, warnings } = readVariables(env);
    assert.deepEqual([isEnabled, traces, warnings], [false, [], []]);
  });
});
