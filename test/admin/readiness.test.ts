import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, test } from 'node:test';
import { startStage } from '../telemetry/stage.ts';

describe('readiness', () => {
  interface Readiness {
    readonly status: string;
    readonly upstreams: { readonly upstream: string; readonly state: string; readonly detail?: string }[];
    readonly telemetry: { readonly enabled: boolean; readonly traces: object[] };
  }
  const nobody = 'http://127.0.0.1:1';

  async function readiness(upstreams: Record<string, unknown>) {
    await using stage = await startStage({ upstreams });
    const { status, body } = await stage.json<Readiness>('/readyz');
    return {
      status,
      said: body.status,
      states: body.upstreams.map(({ upstream, state }) => [upstream, state]),
    };
  }

  test('is there where upstreams answer', async () => {
    assert.deepEqual(await readiness({}), {
      status: 200,
      said: 'ready',
      states: [
        ['default', 'up'],
        ['anthropic', 'up'],
      ],
    });
  });

  test('is there where one of them does', async () => {
    assert.deepEqual(await readiness({ anthropic: nobody }), {
      status: 200,
      said: 'ready',
      states: [
        ['default', 'up'],
        ['anthropic', 'down'],
      ],
    });
  });

  test('is not there where none does', async () => {
    assert.deepEqual(await readiness({ default: nobody, anthropic: nobody }), {
      status: 503,
      said: 'no upstream answers',
      states: [
        ['default', 'down'],
        ['anthropic', 'down'],
      ],
    });
  });

  test('takes an upstream that is not to be probed for one that answers', async () => {
    const upstreams = { default: { url: nobody, probe: false }, anthropic: nobody };
    assert.deepEqual(await readiness(upstreams), {
      status: 200,
      said: 'ready',
      states: [
        ['default', 'not_probed'],
        ['anthropic', 'down'],
      ],
    });
  });

  test('asks upstreams at their probe path, once for all who ask, and without the secrets of the configuration', async () => {
    const asked: http.IncomingMessage[] = [];
    const server = http.createServer((request, response) => {
      asked.push(request);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const upstream = {
      url: `http://127.0.0.1:${port}/base`,
      headers: { authorization: 'Bearer secret' },
      probe: { path: '/health' },
    };
    try {
      await using stage = await startStage({ upstreams: { other: upstream } });
      await Promise.all(
        Array.from({ length: 10 }, () => stage.admin('/readyz').then((reply) => reply.text())),
      );
      assert.deepEqual(
        asked.map(({ url }) => url),
        ['/health'],
      );
      assert.equal(asked[0]?.headers.authorization, undefined);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('tells how telemetry fares', async () => {
    await using stage = await startStage();
    await stage.spansOf((await stage.chat()).id);
    const { telemetry } = (await stage.json<Readiness>('/readyz')).body;
    assert.equal(telemetry.enabled, true);
    assert.deepEqual(Object.keys(telemetry.traces[0] ?? {}), [
      'exporter',
      'state',
      'exported',
      'lost',
      'dropped',
    ]);
    await using silent = await startStage({ otel: { OTEL_SDK_DISABLED: 'true' } });
    assert.deepEqual((await silent.json<Readiness>('/readyz')).body.telemetry, {
      enabled: false,
      traces: [],
      logs: [],
      metrics: [],
    });
  });
});
