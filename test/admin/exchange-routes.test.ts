import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { ExchangesWindow, ExchangeValues } from '../../src/admin/api/exchanges.ts';
import type { Exchange } from '../../src/exchange/exchange.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { CapturedLog } from '../telemetry/logs/captured-log.ts';
import { SessionScene } from '../telemetry/session-scene.ts';
import { type Stage, startStage } from '../telemetry/stage.ts';

interface Problem {
  readonly error: { readonly code: string; readonly message: string };
}

async function windowOf(stage: Stage, query = ''): Promise<ExchangesWindow> {
  const { status, body } = await stage.json<ExchangesWindow>(`/api/exchanges?${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

const ids = ({ exchanges }: ExchangesWindow) => exchanges.map(({ id }) => id).join(' ');
const seqs = ({ exchanges }: ExchangesWindow) => exchanges.map(({ seq }) => seq);

/** As if it were under way, until what is returned is called. */
function run({ service }: Stage, exchange: Exchange): () => void {
  const seat = service.inFlight.add({ exchange, fail: () => undefined });
  return () => service.inFlight.delete(seat);
}

/** A tenant for each request that names one. */
const tenants: Middleware = {
  name: 'tenants',
  beforeQuery(_query, exchange) {
    const tenant = exchange.header('x-tenant');
    if (tenant !== undefined) exchange.setLabel('tenant', tenant);
  },
};

describe('the exchanges', async () => {
  const stage = await startStage({
    config: { limits: { recentExchangesMax: 5, exchangesPerAnswerMax: 4 } },
  });
  after(() => stage[Symbol.asyncDispose]());

  test('are none before the first', async () => {
    assert.deepEqual(await windowOf(stage), {
      inFlight: 0,
      newest: 0,
      oldest: 0,
      exchanges: [],
      isMore: false,
    });
  });

  test('are those that ended last, newest first, each once', async () => {
    for (let n = 0; n < 7; n += 1) await stage.chat();
    const { exchanges, ...rest } = await windowOf(stage);
    assert.deepEqual(rest, { inFlight: 0, newest: 7, oldest: 3, isMore: true });
    assert.deepEqual(
      exchanges.map(({ seq, id }) => [seq, id]),
      [7, 6, 5, 4].map((n) => [n, `query-${n}`]),
    );
  });

  test('come in windows, and what was missed comes after a return', async () => {
    const look = async (query: string) => {
      const found = await windowOf(stage, query);
      return [seqs(found), found.isMore];
    };
    assert.deepEqual(await look('limit=2'), [[7, 6], true]);
    assert.deepEqual(await look('limit=2&before=6'), [[5, 4], true]);
    assert.deepEqual(await look('limit=2&before=4'), [[3], false]);
    assert.deepEqual(await look('before=3'), [[], false]);
    assert.deepEqual(await look('after=5'), [[7, 6], false]);
    assert.deepEqual(await look('after=7'), [[], false]);
    assert.deepEqual(await look('after=0&limit=1'), [[7], true]);
    assert.deepEqual(await look('after=3&before=6'), [[5, 4], false]);
    assert.deepEqual(await look('limit=1000000'), [[7, 6, 5, 4], true]);
  });

  test('in flight come first, the last begun first', async () => {
    const scene = new SessionScene(stage.service, { id: 'session' });
    scene.connect();
    const turn = scene.turn();
    scene.attempt(turn);
    const stops = [run(stage, scene.session), run(stage, turn)];
    const all = await windowOf(stage, 'limit=3');
    assert.deepEqual([all.inFlight, ids(all), all.isMore], [2, 'session.1 session query-7', true]);
    assert.deepEqual(
      all.exchanges.map(({ kind, sessionId, turn, seq, outcome }) => [kind, sessionId, turn, seq, outcome]),
      [
        ['turn', 'session', 1, undefined, undefined],
        ['session', 'session', undefined, undefined, undefined],
        ['request', undefined, undefined, 7, 'completed'],
      ],
    );
    const look = async (query: string) => {
      const found = await windowOf(stage, query);
      return [found.inFlight, ids(found), found.isMore];
    };
    assert.deepEqual(await look('state=in_flight'), [2, 'session.1 session', false]);
    assert.deepEqual(await look('state=in_flight&limit=1'), [2, 'session.1', true]);
    assert.deepEqual(await look('state=ended&limit=1'), [2, 'query-7', true]);
    assert.deepEqual(await look('limit=1'), [2, 'session.1', true]);
    assert.deepEqual(await look('limit=2'), [2, 'session.1 session', true]);
    assert.deepEqual(await look('after=6'), [2, 'session.1 session query-7', false]);
    assert.deepEqual(await look('before=5'), [2, 'query-4 query-3', false]);
    assert.deepEqual(await look('model=gpt-realtime'), [2, 'session.1', false]);
    assert.deepEqual(await look('outcome=completed&limit=1'), [2, 'query-7', true]);

    scene.endTurn(turn, { outcome: 'client_aborted', usage: { output: 5 } });
    scene.end('completed');
    for (const stop of stops) stop();
    const { exchanges, inFlight, newest } = await windowOf(stage, 'limit=2');
    assert.deepEqual([inFlight, newest], [0, 9]);
    assert.deepEqual(
      exchanges.map(({ id, kind, outcome, session }) => [id, kind, outcome, session?.outcomes]),
      [
        ['session', 'session', 'completed', { client_aborted: 1 }],
        ['session.1', 'turn', 'client_aborted', undefined],
      ],
    );
    assert.equal(exchanges[1]?.outputTokens, 5);
  });

  for (const [query, message] of [
    ['limit=0', "'limit' must be a whole number above 0."],
    ['limit=2&limit=3', "'limit' must be a whole number above 0."],
    ['before=-1', "'before' must be a whole number."],
    ['after=1.5', "'after' must be a whole number."],
    ['state=over', "'state' must be one of in_flight, ended."],
    ['from=yesterday', /^'from' must be a time: milliseconds since the epoch, or ISO 8601/],
    ['to=', /^'to' must be a time/],
    ['minDurationMs=0', "'minDurationMs' must be a whole number above 0."],
    ['outcome=fine', /^'outcome' must be one of completed, client_aborted, /],
    ['outcome=completed&outcome=', /^'outcome' must be one of completed, /],
    ['id=1&id=2', "'id' must be given once."],
    ['text=1&text=2', "'text' must be given once."],
    ['modell=gpt', /^'modell' is no parameter here: state, limit, before, /],
    [`${'x'.repeat(500)}=1`, /^'x{64}…' is no parameter here/],
    ['__proto__=1', /^'__proto__' is no parameter here/],
  ] as const) {
    test(`cannot be asked for with ${query.slice(0, 40)}`, async () => {
      const { status, body } = await stage.json<Problem>(`/api/exchanges?${query}`);
      assert.deepEqual([status, body.error.code], [400, 'malformed_request']);
      if (typeof message === 'string') assert.equal(body.error.message, message);
      else assert.match(body.error.message, message);
    });
  }
});

describe('the exchanges that are looked for', async () => {
  const markup = '<img src=x onerror=alert(1)>';
  const long = 'm'.repeat(200);
  const stage = await startStage({ middleware: [tenants] });
  after(() => stage[Symbol.asyncDispose]());
  const began = Date.now();
  const streamed = { stream: true, stream_options: { include_usage: true } };
  await stage.chat({ model: 'sim-tokens-2', ...streamed }, { 'x-tenant': 'acme' });
  await stage.chat({ model: 'sim-status-429' }, { 'x-tenant': 'globex' });
  await stage.chat({ model: markup });
  await stage.chat({ model: long }, { 'x-tenant': `"'&${markup}` });
  await stage.send('/anthropic/nowhere?key=SECRET', { headers: { 'x-request-id': 'Other' } });
  await stage.service.inFlight.empty();
  const over = Date.now();

  for (const [query, expected] of [
    ['', 'Other query-4 query-3 query-2 query-1'],
    ['id=query-2', 'query-2'],
    ['id=other', ''],
    ['model=sim-tokens-2', 'query-1'],
    ['model=sim-tokens-2&model=sim-status-429', 'query-2 query-1'],
    [`model=${encodeURIComponent(markup)}`, 'query-3'],
    [`model=${long}`, 'query-4'],
    ['upstream=anthropic', 'Other'],
    ['tenant=acme&tenant=globex', 'query-2 query-1'],
    ['tenant=acme&model=gpt-4o', ''],
    ['outcome=upstream_error&upstream=default', 'query-2'],
    ['text=NOWHERE', 'Other'],
    ['text=secret', ''],
    ['text=onerror%3DALERT(1)', 'query-4 query-3'],
    ['text=acme', 'query-1'],
    [`from=${over + 60_000}`, ''],
    [`to=${new Date(began - 60_000).toISOString()}`, ''],
    [`from=${began}&to=${over}&tenant=acme`, 'query-1'],
    ['minDurationMs=3600000', ''],
  ] as const) {
    test(`are found with '${query.slice(0, 60)}'`, async () => {
      assert.equal(ids(await windowOf(stage, query)), expected);
    });
  }

  test('have names of clients as data', async () => {
    const { exchanges } = await windowOf(stage, 'id=query-4');
    assert.deepEqual([exchanges[0]?.model, exchanges[0]?.tenant], [long, `"'&${markup}`]);
  });

  test('say how fast a stream was, and what went wrong', async () => {
    const { exchanges } = await windowOf(stage);
    const [, , , refused, stream] = exchanges;
    assert.ok(stream?.isStream && Number(stream.tokensPerSecond) > 0 && Number(stream.firstTokenMs) > 0);
    assert.deepEqual([stream.outputChunks, stream.outcome, stream.error], [2, 'completed', undefined]);
    assert.deepEqual([refused?.status, refused?.outcome], [429, 'upstream_error']);
    assert.ok(refused?.error && refused.tokensPerSecond === undefined);
  });

  test('have values to be found by', async () => {
    const { body } = await stage.json<ExchangeValues>('/api/exchanges/values');
    const values = (list: ExchangeValues['models']) => list.map(({ value, count }) => `${value} ${count}`);
    assert.deepEqual(values(body.upstreams), ['default 4', 'anthropic 1']);
    assert.deepEqual(values(body.tenants), [`"'&${markup} 1`, 'acme 1', 'globex 1']);
    assert.deepEqual(values(body.models), [`${markup} 1`, `${long} 1`, 'sim-status-429 1', 'sim-tokens-2 1']);
    const [line] = (await windowOf(stage, 'tenant=acme')).exchanges;
    assert.ok(line?.outputTokens === 2 && line.inputTokens);
    const spent = (list: ExchangeValues['models'], name: string) =>
      list.find(({ value }) => value === name)?.tokens;
    assert.equal(spent(body.tenants, 'acme'), line.inputTokens + 2);
    assert.equal(spent(body.models, 'sim-status-429'), 0);
    assert.equal(
      body.outcomes.reduce((sum, { count }) => sum + count, 0),
      5,
    );
    const refused = await stage.json<Problem>('/api/exchanges/values?limit=3');
    assert.deepEqual([refused.status, refused.body.error.code], [400, 'malformed_request']);
  });
});

describe('exchanges are known', () => {
  test('where their traces are not sampled, and the log is off', async () => {
    const log = new CapturedLog();
    await using stage = await startStage({
      config: { log: { level: 'silent', exchanges: false } },
      otel: { OTEL_TRACES_SAMPLER: 'always_off' },
      stdout: log,
    });
    await stage.chat();
    const { exchanges } = await windowOf(stage);
    assert.deepEqual(
      exchanges.map(({ id, isSampled, outcome }) => [id, isSampled, outcome]),
      [['query-1', false, 'completed']],
    );
    assert.match(String(exchanges[0]?.traceId), /^[0-9a-f]{32}$/);
  });

  test('where telemetry is disabled, without traces', async () => {
    await using stage = await startStage({ otel: { OTEL_SDK_DISABLED: 'true' } });
    const traceId = 'ab'.repeat(16);
    await stage.chat();
    await stage.chat({}, { traceparent: `00-${traceId}-${'cd'.repeat(8)}-01` });
    const { exchanges } = await windowOf(stage);
    assert.deepEqual(
      exchanges.map(({ id, isSampled }) => [id, isSampled]),
      [
        ['query-2', false],
        ['query-1', false],
      ],
    );
    assert.equal(exchanges[1]?.traceId, undefined);
  });
});
