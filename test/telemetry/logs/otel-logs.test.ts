import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { attribute, lineKey, logEvent, scope } from '../../../src/telemetry/names.ts';
import { losses } from '../../../src/telemetry/sdk/losses.ts';
import { runNode } from '../../support/run-process.ts';
import { total } from '../prometheus-text.ts';
import { only, type Stage, startStage, until } from '../stage.ts';
import { CapturedLog } from './captured-log.ts';

const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

/** Fast, and more patient than nobody. */
const quick = { OTEL_LOGS_EXPORTER: 'otlp', OTEL_BLRP_SCHEDULE_DELAY: '20', OTEL_TRACES_EXPORTER: 'none' };

const exchangesOf = (stage: Stage) =>
  stage.sink.logs().filter(({ eventName }) => eventName === logEvent.exchange);

const droppedLogs = async (stage: Stage, reason: string) =>
  total(await stage.page(), 'sightline_telemetry_dropped_total', {
    sightline_signal: 'logs',
    sightline_reason: reason,
  });

describe('log records of OpenTelemetry', () => {
  test('are not made unless a variable asks for them', async () => {
    await using stage = await startStage({ otel: { OTEL_TRACES_EXPORTER: 'none' } });
    await stage.chat();
    assert.deepEqual(stage.service.telemetry.state().logs, []);
    await stage.service.stop();
    assert.deepEqual(stage.sink.requests, []);
  });

  for (const protocol of ['http/json', 'http/protobuf']) {
    test(`are exported as ${protocol}, of exchanges and of what the service says`, async () => {
      const stdout = new CapturedLog();
      await using stage = await startStage({
        stdout,
        otel: {
          ...quick,
          OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: protocol,
          OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=blue',
          OTEL_SERVICE_NAME: 'model-gateway',
        },
      });
      const { id } = await stage.chat();
      stage.service.log.warn({ plugin: 'a', tries: 3, nested: { deep: [1] } }, 'something is odd');
      const said = await stage.sink.waitFor(({ logs }) =>
        logs.find(({ body }) => body === 'something is odd'),
      );
      assert.deepEqual(
        [said.severityText, said.attributes],
        ['WARN', { plugin: 'a', tries: 3, nested: { deep: [1] } }],
      );
      const record = only(exchangesOf(stage));
      assert.deepEqual(
        [record.severityText, record.attributes[attribute.exchangeId], record.scope],
        ['INFO', id, scope.name],
      );
      assert.ok(Math.abs(record.timeMs - Date.now()) < 60_000);
      assert.equal(record.resource['service.name'], 'model-gateway');
      await until('its line is written', () => stdout.of(id).length > 0);
      assert.equal(only(stdout.of(id))[lineKey.message], record.body);
      for (const { signal, contentType, headers } of stage.sink.requests) {
        const expected = protocol === 'http/json' ? 'application/json' : 'application/x-protobuf';
        assert.deepEqual([signal, contentType, headers['x-tenant']], ['logs', expected, 'blue']);
      }
      await until('the exporter is well', () => stage.service.telemetry.state().logs[0]?.state === 'ok');
    });
  }

  test('are exported also where no line is written', async () => {
    for (const log of [{ level: 'silent' }, { level: 'info', exchanges: false }]) {
      await using stage = await startStage({ otel: quick, config: { log } });
      await stage.chat();
      await stage.service.stop();
      assert.equal(exchangesOf(stage).length, 1);
    }
  });

  test('that are left are sent when the service stops, its last words too', async () => {
    const stdout = new CapturedLog();
    await using stage = await startStage({ stdout, otel: { ...quick, OTEL_BLRP_SCHEDULE_DELAY: '600000' } });
    await stage.chat();
    assert.deepEqual(stage.sink.logs(), []);
    await stage.service.stop();
    assert.equal(exchangesOf(stage).length, 1);
  });

  test('have texts as long as the configuration or the standard variables say', async () => {
    const lengthOf = async (otel: Record<string, string>) => {
      await using stage = await startStage({
        otel: { ...quick, ...otel },
        config: { limits: { attributeCharsMax: 50 } },
      });
      await stage.chat({ model: 'm'.repeat(200) });
      await stage.service.stop();
      return String(only(exchangesOf(stage)).attributes[attribute.genAiRequestModel]).length;
    };
    assert.equal(await lengthOf({}), 50);
    assert.equal(await lengthOf({ OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '30' }), 30);
    assert.equal(await lengthOf({ OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT: '40' }), 40);
  });

  test('OTEL_SDK_DISABLED: none are made, and the lines remain', async () => {
    const stdout = new CapturedLog();
    await using stage = await startStage({ stdout, otel: { ...quick, OTEL_SDK_DISABLED: 'true' } });
    await stage.chat();
    await stage.service.stop();
    assert.equal(stdout.exchanges.length, 1);
    assert.deepEqual(stage.sink.requests, []);
  });

  test('OTEL_LOGS_EXPORTER=console: they stand on standard output, beside the lines', async () => {
    await using service = runNode([main], {
      cwd: tmpdir(),
      env: { SIGHTLINE_PORT: '0', SIGHTLINE_ADMIN_PORT: '0', ...quick, OTEL_LOGS_EXPORTER: 'console' },
    });
    const [, url] = await service.waitForLine(/data (http:[^ "]+)/);
    await (await fetch(`${url}/v1/models`)).text();
    await service.waitForLine(/eventName: 'sightline\.exchange'/);
    await service.waitForLine(/"event\.name":"sightline\.exchange"/);
  });

  const refused: [variable: string, value: string, expected: RegExp][] = [
    ['OTEL_LOGS_EXPORTER', 'loki', /OTEL_LOGS_EXPORTER: 'loki' is not known; expected .*otlp, console, none/],
    ['OTEL_EXPORTER_OTLP_LOGS_PROTOCOL', 'udp', /OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'udp' is not known/],
  ];
  for (const [variable, value, expected] of refused) {
    test(`${variable}=${value} ends the start, and says what was expected`, async () => {
      await assert.rejects(startStage({ otel: { ...quick, [variable]: value } }), {
        name: 'ConfigError',
        message: expected,
      });
    });
  }
});

describe('a collector that takes no log records', () => {
  for (const mode of ['refuse', 'hang', 'gone'] as const) {
    test(`(${mode}) fails no request; what is lost is counted, and told once`, async () => {
      const stdout = new CapturedLog();
      await using stage = await startStage({
        stdout,
        // From the first word of the service.
        ...(mode !== 'gone' && { collector: mode }),
        otel: {
          ...quick,
          OTEL_EXPORTER_OTLP_TIMEOUT: '200',
          ...(mode === 'gone' && { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }),
        },
      });
      for (let i = 0; i < 10; i += 1) assert.equal((await stage.chat()).status, 200);
      const health = () => only(stage.service.telemetry.state().logs);
      await until('every line is written', () => stdout.exchanges.length === 10);
      await until(
        'each record is lost, the warning of it too',
        () => health().lost === stdout.records.length,
      );
      assert.deepEqual([health().state, health().exported, health().dropped], ['failing', 0, 0]);
      assert.equal(await droppedLogs(stage, 'export'), health().lost);
      const warnings = stdout.records.filter(({ msg }) => /logs cannot be exported/.test(String(msg)));
      assert.equal(warnings.length, 1);
      assert.match(String(warnings[0]?.msg), /\(otlp\): .*; they are on standard output$/);
      const ready = await stage.json<{ telemetry: { logs: { state: string }[] } }>('/readyz');
      assert.deepEqual([ready.status, ready.body.telemetry.logs[0]?.state], [200, 'failing']);
      stage.sink.mode = 'ok';
    });
  }

  test('fills the queue, which is bounded: what finds no room is counted', async () => {
    await using stage = await startStage({
      config: { limits: { flushTimeoutMs: 50 } },
      otel: {
        ...quick,
        OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
        OTEL_BLRP_SCHEDULE_DELAY: '600000',
        OTEL_BLRP_MAX_QUEUE_SIZE: '16',
        OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '4',
      },
    });
    stage.sink.mode = 'hang';
    for (let i = 0; i < 50; i += 1) await stage.chat();
    const page = await stage.page();
    assert.equal(total(page, 'otel_sdk_processor_log_queue_size'), 16);
    // One batch is under way, and waits for its answer.
    const dropped = 50 - 16 - 4;
    assert.equal(await droppedLogs(stage, 'queue_full'), dropped);
    assert.equal(only(stage.service.telemetry.state().logs).dropped, dropped);
  });
});

describe('what is lost of telemetry', () => {
  test('has a series from the start for each thing that can be lost', async () => {
    await using stage = await startStage();
    const samples = (await stage.page()).get('sightline_telemetry_dropped_total')?.samples ?? [];
    const zeros = samples.map(({ labels, value }) => [
      labels.sightline_signal,
      labels.sightline_reason,
      value,
    ]);
    assert.deepEqual(
      zeros,
      losses.map((loss) => [...loss, 0]),
    );
    for (const signal of ['spans', 'logs'])
      for (const reason of ['export', 'queue_full'])
        assert.ok(zeros.some(([one, why]) => one === signal && why === reason));
  });

  test('counts lines that nobody read', async () => {
    const stdout = new CapturedLog();
    await using stage = await startStage({
      stdout,
      otel: { OTEL_TRACES_EXPORTER: 'none' },
      config: { log: { level: 'info' }, limits: { logWaitingCharsMax: 2_000, flushTimeoutMs: 50 } },
    });
    stdout.block();
    for (let i = 0; i < 10; i += 1) {
      stage.service.log.info('x'.repeat(500));
      assert.equal((await stage.chat()).status, 200);
    }
    const lost = await droppedLogs(stage, 'stdout');
    assert.ok(lost > 10 && lost < 20, String(lost));
    stdout.letGo();
    await stage.service.stop();
    const { records, exchanges } = stdout;
    const told = records.filter(({ msg }) => /^x+$|were dropped/.test(String(msg)));
    assert.equal(exchanges.length + told.length, 20 - lost + 1);
    assert.ok(told.some(({ msg }) => String(msg).startsWith(`${lost} lines of the log were dropped`)));
  });
});
