import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConsoleInfo } from '../../src/admin/api/console-info.ts';
import { scope } from '../../src/telemetry/names.ts';
import { startService, type TestServiceOptions } from '../support/service.ts';

/** What a service says that was started with these. */
async function infoOf(options: TestServiceOptions) {
  await using service = await startService(options);
  const reply = await fetch(`${service.adminUrl}/api/console`);
  assert.equal(reply.status, 200);
  return { service, info: (await reply.json()) as ConsoleInfo };
}

describe('what the console asks first', () => {
  test('is told of the service as it is', async () => {
    const before = Date.now();
    const { service, info } = await infoOf({ config: { limits: { snapshotsMax: 12 } } });
    const { startedAt, upstreams, ...rest } = info;
    assert.ok(Date.parse(startedAt) >= before && Date.parse(startedAt) <= Date.now(), startedAt);
    assert.deepEqual(upstreams, [{ name: 'default', prefix: '/', url: service.simulator?.url }]);
    assert.deepEqual(rest, {
      version: scope.version,
      dataUrl: service.dataUrl,
      isSimulator: true,
      isContentCaptured: false,
      isTelemetryEnabled: true,
      snapshotIntervalMs: 60_000,
      snapshotsMax: 12,
      hasSession: false,
    });
  });

  test('is told of upstreams and of Jaeger, by addresses without a slash at their end', async () => {
    const upstreams = {
      default: { url: 'http://127.0.0.1:9/', probe: false },
      other: { url: 'https://models.example.com/base/', probe: false },
    };
    const admin = { host: '127.0.0.1', port: 0, jaegerUrl: 'http://localhost:16686/' };
    const { info } = await infoOf({ config: { upstreams, admin } });
    assert.equal(info.isSimulator, false);
    assert.equal(info.jaegerUrl, 'http://localhost:16686');
    assert.deepEqual(info.upstreams, [
      { name: 'default', prefix: '/', url: 'http://127.0.0.1:9' },
      { name: 'other', prefix: '/other', url: 'https://models.example.com/base' },
    ]);
  });

  const capture = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT';
  const switches: [otel: Record<string, string>, content: boolean, telemetry: boolean][] = [
    [{ [capture]: 'SPAN_ONLY' }, true, true],
    [{ [capture]: 'EVENT_ONLY' }, false, true],
    [{ [capture]: 'SPAN_ONLY', OTEL_SDK_DISABLED: 'true' }, false, false],
  ];
  for (const [otel, isContentCaptured, isTelemetryEnabled] of switches) {
    test(`is told what ${JSON.stringify(otel)} turns on`, async () => {
      const { info } = await infoOf({ otel: { OTEL_TRACES_EXPORTER: 'none', ...otel } });
      assert.deepEqual(
        { content: info.isContentCaptured, telemetry: info.isTelemetryEnabled },
        { content: isContentCaptured, telemetry: isTelemetryEnabled },
      );
    });
  }
});
