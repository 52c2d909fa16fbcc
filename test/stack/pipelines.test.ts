import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { type Outcome, outcomes } from '../../src/exchange/outcome.ts';
import { attribute, metric } from '../../src/telemetry/names.ts';
import { read } from './compose-file.ts';
import { type CollectorConfig, pipelineProblems, settingProblems } from './pipeline-checks.ts';

const files = { jaeger: read('otel/jaeger.yml'), collector: read('otel/collector.yml') };

describe('the configuration of Jaeger and of the collector', () => {
  for (const [name, text] of Object.entries(files)) {
    it(`hangs together: ${name}`, () => {
      assert.deepEqual(pipelineProblems(parse(text) as CollectorConfig), []);
    });
  }

  const mistakes: [file: keyof typeof files, from: string, to: string, problem: string][] = [
    ['jaeger', 'receivers: [otlp]', 'receivers: [otpl]', "receivers: 'otpl' is used and not declared"],
    [
      'jaeger',
      'processors: [batch]',
      'processors: [batches]',
      "processors: 'batches' is used and not declared",
    ],
    ['jaeger', 'exporters: [prometheus]', 'exporters: []', 'metrics/spanmetrics: nothing is sent on'],
    [
      'jaeger',
      'exporters: [prometheus]',
      'exporters: []',
      "exporters: 'prometheus' is declared and not used",
    ],
    ['jaeger', ', spanmetrics]', ']', "connectors: 'spanmetrics' is sent nothing"],
    [
      'jaeger',
      'receivers: [spanmetrics]',
      'receivers: [otlp]',
      "connectors: 'spanmetrics' is received by nobody",
    ],
    ['jaeger', '[jaeger_storage, ', '[', "extensions: 'jaeger_storage' is declared and not used"],
    ['jaeger', 'jaeger_query]', 'jaeger_query, pprof]', "extensions: 'pprof' is used and not declared"],
    ['collector', 'otlp_grpc/jaeger]', 'otlp/jaeger]', "exporters: 'otlp/jaeger' is used and not declared"],
    [
      'collector',
      '[memory_limiter, tail_sampling',
      '[tail_sampling, memory_limiter',
      'traces: memory_limiter is not the first processor',
    ],
  ];
  for (const [file, from, to, problem] of mistakes) {
    it(`would not do with: ${problem}`, () => {
      assert.ok(files[file].includes(from), from);
      const problems = pipelineProblems(parse(files[file].replace(from, to)) as CollectorConfig);
      assert.ok(problems.includes(problem), problems.join('\n'));
    });
  }
});

describe('the settings of the components of Jaeger and of the collector', () => {
  for (const [name, text] of Object.entries(files)) {
    it(`are all known to them: ${name}`, () => {
      assert.deepEqual(settingProblems(parse(text) as CollectorConfig), []);
    });
  }

  const mistakes: [file: keyof typeof files, from: string, to: string, problem: RegExp][] = [
    ['jaeger', 'normalize_calls:', 'normalise_calls:', /^extensions\.jaeger_storage\..*"normalise_calls"/],
    ['jaeger', 'ephemeral: false', 'ephemeral: no-thanks', /\.badger\.ephemeral: .*expected boolean/],
    ['jaeger', '      spans: 72h', '      span: 72h', /\.badger\.ttl: Unrecognized key: "span"/],
    ['jaeger', 'spans: 72h', 'spans: 3d', /\.ttl\.spans: expected a duration/],
    [
      'jaeger',
      'latency_unit: ms',
      'latency_unit: milliseconds',
      /\.latency_unit: .*expected one of "ms"\|"s"/,
    ],
    ['jaeger', '      traces: files', '      trace: files', /^extensions\.jaeger_query\.storage: .*"trace"/],
    ['jaeger', 'metrics_flush_interval', 'flush_interval', /^connectors\.spanmetrics: .*"flush_interval"/],
    [
      'jaeger',
      '[collector.instance.id]',
      '[status.code]',
      /^connectors\.spanmetrics\.exclude_dimensions\.0: .*"collector\.instance\.id"/,
    ],
    ['jaeger', 'trace_storage: files', 'storage: files', /^exporters\.jaeger_storage_exporter: .*"storage"/],
    ['jaeger', 'level: normal', 'level: some', /^service\.telemetry\.metrics\.level: /],
    ['jaeger', '\n  spanmetrics:\n', '\n  spansmetrics:\n', /^connectors: nobody knows .*'spansmetrics'/],
    [
      'collector',
      'limit_percentage: 75',
      'limit_percent: 75',
      /^processors\.memory_limiter: .*"limit_percent"/,
    ],
    ['collector', 'decision_wait: 10s', 'decision_wait: 10', /^processors\.tail_sampling\.decision_wait: /],
    ['collector', 'num_traces: 10000', 'num_traces: 20000', /ten times num_traces/],
    ['collector', 'type: latency', 'type: slow', /\.policies\.2\.type: /],
    ['collector', 'threshold_ms:', 'threshold:', /\.policies\.2\.latency: .*"threshold"/],
    ['collector', '[ERROR]', '[ERR]', /\.policies\.0\.status_code\.status_codes\.0: /],
    ['collector', 'string_attribute:\n', 'attribute:\n', /\.policies\.1: Unrecognized key: "attribute"/],
    ['collector', 'blocked_key_patterns', 'blocked_keys', /^processors\.redaction: .*"blocked_keys"/],
    ['collector', 'summary: info', 'summary: some', /^processors\.redaction\.summary: /],
    ['collector', 'insecure: true', 'insecured: true', /^exporters\.otlp_grpc\/jaeger\.tls: .*"insecured"/],
    ['collector', 'endpoint: http://prom', 'url: http://prom', /^exporters\.otlp_http\/prometheus: .*"url"/],
    ['collector', '  otlp_http/', '  otlphttp/', /^exporters: nobody knows .*'otlphttp\/prometheus'/],
  ];
  for (const [file, from, to, problem] of mistakes) {
    it(`would not be: ${to.trim()}`, () => {
      assert.ok(files[file].includes(from), from);
      const problems = settingProblems(parse(files[file].replace(from, to)) as CollectorConfig);
      assert.ok(
        problems.some((one) => problem.test(one)),
        problems.join('\n'),
      );
    });
  }
});

describe('Jaeger', () => {
  const { extensions, exporters, connectors } = parse(files.jaeger);

  it('keeps, searches and measures in storages that it has', () => {
    const { backends, metric_backends } = extensions.jaeger_storage;
    const { traces, metrics } = extensions.jaeger_query.storage;
    assert.ok(traces in backends);
    assert.ok(metrics in metric_backends);
    assert.equal(exporters.jaeger_storage_exporter.trace_storage, traces);
  });

  it('asks for its metrics by the name and in the unit in which it makes them', () => {
    const { namespace, histogram } = connectors.spanmetrics;
    const asked = extensions.jaeger_storage.metric_backends.prometheus.prometheus;
    assert.equal(asked.metric_namespace, namespace.replaceAll('.', '_'));
    assert.equal(asked.latency_unit, histogram.unit);
  });

  it('goes on with the same series after a start of its own or of a service', () => {
    const { exclude_dimensions, resource_metrics_key_attributes } = connectors.spanmetrics;
    assert.deepEqual(exclude_dimensions, ['collector.instance.id']);
    // What else tells a resource apart is new at each start: of ours the id, the host and the process.
    assert.deepEqual(resource_metrics_key_attributes, ['service.name']);
  });

  it('measures durations in the buckets of the conventions', () => {
    const buckets: string[] = connectors.spanmetrics.histogram.explicit.buckets;
    const seconds = buckets.map((bucket) => Number(bucket.replace('ms', '')) / 1_000);
    assert.deepEqual(seconds, metric.operationDuration.buckets);
  });
});

describe('the collector', () => {
  const { processors } = parse(files.collector);

  it('keeps what did not complete, whatever the outcome', () => {
    const { string_attribute } = processors.tail_sampling.policies.find(
      ({ name }: { name: string }) => name === 'not-completed',
    );
    assert.equal(string_attribute.key, attribute.outcome);
    const others = (Object.keys(outcomes) as Outcome[]).filter((outcome) => outcome !== 'completed');
    assert.deepEqual(string_attribute.values, others);
  });

  describe('when it redacts', () => {
    const patterns = (name: string): RegExp[] =>
      processors.redaction[name].map((pattern: string) => new RegExp(pattern));
    const isKeyBlocked = (key: string) => patterns('blocked_key_patterns').some((one) => one.test(key));
    const isValueBlocked = (value: string) => patterns('blocked_values').some((one) => one.test(value));

    it('leaves every attribute of ours as it is', () => {
      const keys = Object.values(attribute);
      assert.ok(keys.includes('gen_ai.usage.output_tokens'));
      assert.deepEqual(keys.filter(isKeyBlocked), []);
    });

    it('would not, with the pattern that everybody writes first', () => {
      assert.ok(Object.values(attribute).some((key) => /.*token.*/.test(key)));
    });

    it('masks what has a secret behind its key', () => {
      for (const key of [
        'http.request.header.authorization',
        'http.request.header.x-api-key',
        'http.request.header.proxy-authorization',
        'http.response.header.set-cookie',
        'API_KEY',
        'db.password',
        'client_secret',
      ])
        assert.ok(isKeyBlocked(key), key);
    });

    it('masks keys and tokens wherever they stand, and nothing like them', () => {
      for (const value of [
        'Authorization: Bearer abcdefgh12345678',
        'the key sk-proj-0123456789abcdefghij is wrong',
        'sk-ant-api03-0123456789abcdef',
        'https://a.example/?key=AIzaSyA0123456789abcdefghijklmnopqrstuv',
        'AKIAIOSFODNN7EXAMPLE',
        'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl',
      ])
        assert.ok(isValueBlocked(value), value);
      for (const value of [
        'gpt-4o-2024-08-06',
        'chatcmpl-9ojyCKP1AuSFl25wfDSKn29xoIDK6',
        'msg_01XFDUDYJgAACzvnptvVoYEL',
        '/v1/chat/completions',
        'risk-assessment-of-the-quarter',
        '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        'the bearer of good news',
      ])
        assert.ok(!isValueBlocked(value), value);
    });
  });
});
