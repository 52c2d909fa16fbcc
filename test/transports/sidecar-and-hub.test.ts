import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Service } from '../../src/service.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { readToEnd, readUntil, sendChat } from '../support/chat-client.ts';
import { Endings } from '../support/endings.ts';
import {
  exchange,
  fieldOf,
  fieldsWithout,
  latin1,
  type RawMessage,
  type RequestParts,
  sha256,
  startReplyServer,
  statusOf,
} from '../support/raw-http.ts';
import { startService } from '../support/service.ts';

const chatPath = '/v1/chat/completions';
const user = [{ role: 'user', content: 'Tell me of byte order, naïvely: 你好 👋' }];
const text = { model: 'sim-tokens-40', messages: user };

/** The same request has the same reply, at once. */
const backend = {
  timeToFirstTokenMs: 0,
  tokensPerSecond: Number.POSITIVE_INFINITY,
  clock: () => 1_750_000_000_000,
};

/** Of one connection, or made for each reply anew. */
const madeAnew = new Set([
  'date',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'traceresponse',
  'x-request-id',
  'request-id',
  'openai-processing-ms',
]);

/** A reply as far as it has to be the same over another wire. */
function essence(reply: RawMessage) {
  return {
    startLine: reply.startLine,
    headers: fieldsWithout(reply.headers, madeAnew),
    bytes: reply.body.length,
    sha256: sha256(reply.body),
    trailers: reply.trailers,
    isComplete: reply.isComplete,
  };
}

function streamAddress({ dataUrl }: Service): string {
  return dataUrl.replace('http://', 'ws://');
}

describe('a sidecar and a hub', () => {
  let simulator: Simulator;
  let hub: Service;
  let sidecar: Service;
  let hubEndings: Endings;
  let sidecarEndings: Endings;

  before(async () => {
    simulator = await startSimulator(backend);
    hub = await startService({ config: { upstreams: { default: simulator.url } } });
    sidecar = await startService({ config: { upstreams: { default: streamAddress(hub) } } });
    hubEndings = new Endings(hub);
    sidecarEndings = new Endings(sidecar);
  });
  after(async () => {
    await sidecar.stop();
    await hub.stop();
    await simulator.close();
  });

  describe('give the same reply as the hub alone gives over HTTP', () => {
    const apis: readonly (readonly [string, string, object])[] = [
      ['chat', chatPath, text],
      ['responses', '/v1/responses', { model: 'sim-tokens-40', input: 'Hello' }],
      ['completions', '/v1/completions', { model: 'sim-tokens-40', prompt: 'Hello' }],
      ['messages', '/v1/messages', { ...text, max_tokens: 64 }],
    ];
    const queries: readonly (readonly [string, string, object])[] = [
      ...apis.flatMap(([name, path, query]) => [
        [`${name}, whole`, path, query] as const,
        [`${name}, stream`, path, { ...query, stream: true }] as const,
      ]),
      ['embeddings', '/v1/embeddings', { model: 'sim', input: ['a', 'b'] }],
      ['an error of the API', chatPath, { ...text, model: 'sim-status-429' }],
      ['an error in a stream', chatPath, { ...text, model: 'sim-error-event-2', stream: true }],
      ['malformed events', chatPath, { ...text, model: 'sim-malformed-sse', stream: true }],
      ['a broken stream', chatPath, { ...text, model: 'sim-truncate-3', stream: true }],
      ['a broken whole reply', chatPath, { ...text, model: 'sim-truncate' }],
      ['an early end', chatPath, { ...text, model: 'sim-clean-cut-3', stream: true }],
      ['gzip', chatPath, { ...text, model: 'sim-gzip' }],
      ['gzip, stream', chatPath, { ...text, model: 'sim-gzip', stream: true }],
    ];
    for (const [name, target, query] of queries) {
      it(name, async () => {
        const parts = {
          method: 'POST',
          target,
          headers: ['Content-Type', 'application/json', 'Accept-Encoding', 'gzip'],
          body: JSON.stringify(query),
        };
        const [direct, through] = await both(parts);
        assert.deepEqual(essence(anonymous(through)), essence(anonymous(direct)));
      });
    }

    it('5 MB, as a stream', async () => {
      const [direct, through] = await both({
        method: 'POST',
        target: chatPath,
        headers: ['X-Simulator-Size', '90000'],
        body: JSON.stringify({ ...text, model: 'sim', stream: true }),
      });
      assert.ok(through.body.length > 5_000_000);
      assert.deepEqual(essence(through), essence(direct));
    });

    it('over a connection that compresses', async () => {
      const upstream = { url: streamAddress(hub), compression: true };
      const compressing = await startService({ config: { upstreams: { default: upstream } } });
      try {
        const query = {
          ...text,
          model: 'sim-tokens-2000',
          messages: [{ role: 'user', content: 'x'.repeat(20_000) }],
        };
        const parts = {
          method: 'POST',
          target: chatPath,
          headers: ['Content-Type', 'application/json'],
          body: JSON.stringify(query),
        };
        const direct = await exchange(hub.dataUrl, parts);
        assert.deepEqual(essence(await exchange(compressing.dataUrl, parts)), essence(direct));
      } finally {
        await compressing.stop();
      }
    });

    const both = async (parts: RequestParts) =>
      [await exchange(hub.dataUrl, parts), await exchange(sidecar.dataUrl, parts)] as const;

    /** Errors carry an id that is another one each time, in some APIs. */
    function anonymous(reply: RawMessage): RawMessage {
      if (statusOf(reply) < 400) return reply;
      return {
        ...reply,
        body: latin1(reply.body.toString('latin1').replaceAll(/req_[A-Za-z0-9]+/g, 'req_')),
      };
    }
  });

  it('bring a request as it was sent: path, headers, bytes and trailers', async () => {
    const body = randomBytes(1_000_000);
    const headers = ['X-Twice', '1', 'x-lower', 'é', 'X-Twice', '2', 'Accept', 'x/y'];
    const trailers = ['X-Sum', 'abc'];
    const target = '/echo/a%20b//c?q=%20&r=+';
    const reply = await exchange(sidecar.dataUrl, {
      method: 'PUT',
      target,
      headers,
      chunks: [body.subarray(0, 10), body.subarray(10)],
      trailers,
    });
    const echoed = JSON.parse(String(reply.body));
    assert.deepEqual([echoed.method, echoed.url], ['PUT', target]);
    assert.equal(echoed.bodySha256, sha256(body));
    assert.deepEqual(echoed.rawTrailers, trailers);
    const raw: string[] = echoed.rawHeaders;
    const field = (name: string) => raw.filter((_, i) => i % 2 === 1 && raw[i - 1] === name);
    assert.deepEqual(field('X-Twice'), ['1', '2']);
    assert.deepEqual(field('x-lower'), ['é']);
    assert.deepEqual(field('Accept'), ['x/y']);
    assert.deepEqual(
      raw.filter((name, i) => i % 2 === 0 && /^sec-websocket|^upgrade$/i.test(name)),
      [],
    );
  });

  it('tell of an unreachable backend as the hub does: its status, its code, its message', async () => {
    await using lost = await startService({ config: { upstreams: { default: 'http://127.0.0.1:1' } } });
    await using beside = await startService({ config: { upstreams: { default: streamAddress(lost) } } });
    const endings = new Endings(beside);
    const request = {
      method: 'POST',
      target: chatPath,
      headers: ['x-request-id', 'lost'],
      body: JSON.stringify(text),
    };
    const reply = await exchange(beside.dataUrl, request);
    const direct = await exchange(lost.dataUrl, request);
    const { error } = JSON.parse(String(reply.body));
    const { error: expected } = JSON.parse(String(direct.body));
    assert.deepEqual([statusOf(reply), fieldOf(reply, 'content-type')], [502, 'application/json']);
    assert.deepEqual([error.code, error.message], [expected.code, expected.message]);
    assert.equal((await endings.of('lost')).outcome, 'upstream_error');
  });

  it('cancel at the hub and at the backend what a client has given up', async () => {
    const { request, head } = sendChat(sidecar, 'gone', 'sim-slow-token-20');
    await readUntil(await head, 'data:');
    request.destroy();
    const [atSidecar, atHub] = await Promise.all([sidecarEndings.of('gone'), hubEndings.of('gone')]);
    assert.deepEqual([atSidecar.outcome, atHub.outcome], ['client_aborted', 'client_aborted']);
    const entry = await simulator.journal.waitFor(({ requestId }) => requestId === 'gone');
    assert.equal(entry.ended, 'client_aborted');
  });

  it('have a hundred streams at once on one connection, with one reader that takes its time', async () => {
    await using upstream = await startReplyServer(() => {
      const body = `data: ${'x'.repeat(3_000_000)}\n\n`;
      return `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    });
    await using own = await startService({
      config: { upstreams: { default: simulator.url, big: upstream.url } },
    });
    await using beside = await startService({ config: { upstreams: { default: streamAddress(own) } } });
    const slow = sendChat(beside, 'slow', 'any', true, '/big/x');
    const reply = await slow.head;
    await once(reply, 'readable');
    const query = JSON.stringify({ ...text, model: 'sim-tokens-100', stream: true });
    const request = { method: 'POST', target: chatPath, body: query };
    const replies = await Promise.all(Array.from({ length: 100 }, () => exchange(beside.dataUrl, request)));
    assert.equal(new Set(replies.map(({ body }) => sha256(body))).size, 1);
    assert.match(String(replies[0]?.body), /data: \[DONE\]\n\n$/);
    assert.equal(own.inFlight.exchanges().filter(({ place }) => place.kind === 'session').length, 1);
    const { text: whole, isClean } = await readToEnd(reply);
    assert.deepEqual([whole.length, isClean], [3_000_008, true]);
  });
});

describe('a hub that goes', () => {
  const quickly = { reconnectDelayMs: 5, reconnectDelayMsMax: 20, reconnectAttemptsMax: 1_000 };

  async function start() {
    const simulator = await startSimulator(backend);
    const hub = await startService({
      config: { upstreams: { default: simulator.url }, limits: { drainTimeoutMs: 50 } },
    });
    const sidecar = await startService({
      config: { upstreams: { default: { url: streamAddress(hub), limits: quickly } } },
    });
    return {
      simulator,
      hub,
      sidecar,
      endings: new Endings(sidecar),
      port: Number(new URL(hub.dataUrl).port),
      async [Symbol.asyncDispose]() {
        await sidecar.stop();
        await hub.stop();
        await simulator.close();
      },
    };
  }

  it('in the middle of a stream: the client is told that it broke off', async () => {
    await using stage = await start();
    const { head } = sendChat(stage.sidecar, 'cut', 'sim-slow-token-50');
    const reply = await head;
    await readUntil(reply, 'data:');
    const stopped = stage.hub.stop();
    const { isClean } = await readToEnd(reply);
    assert.equal(isClean, false);
    assert.equal((await stage.endings.of('cut')).outcome, 'upstream_truncated');
    await stopped;
  });

  it('and comes back: those who wait meanwhile get their replies', async () => {
    await using stage = await start();
    const first = await exchange(stage.sidecar.dataUrl, {
      method: 'POST',
      target: chatPath,
      body: JSON.stringify(text),
    });
    assert.equal(statusOf(first), 200);
    await stage.hub.stop();
    const waiting = exchange(stage.sidecar.dataUrl, {
      method: 'POST',
      target: chatPath,
      body: JSON.stringify(text),
    });
    while ((stage.sidecar.inFlight.exchanges()[0]?.attempt?.connectTries.length ?? 0) < 2) await turn();
    await using again = await startService({
      config: { data: { host: '127.0.0.1', port: stage.port }, upstreams: { default: stage.simulator.url } },
    });
    assert.equal(again.dataUrl, stage.hub.dataUrl);
    const reply = await waiting;
    assert.deepEqual([statusOf(reply), sha256(reply.body)], [200, sha256(first.body)]);
  });

  it('and stays away: the client is told how often it was tried, and why that failed', async () => {
    await using stage = await start();
    await stage.hub.stop();
    await using sidecar = await startService({
      config: {
        upstreams: {
          default: {
            url: streamAddress(stage.hub),
            limits: { reconnectDelayMs: 1, reconnectAttemptsMax: 3 },
          },
        },
      },
    });
    const reply = await exchange(sidecar.dataUrl, {
      method: 'POST',
      target: chatPath,
      body: JSON.stringify(text),
    });
    assert.equal(statusOf(reply), 502);
    const { error } = JSON.parse(String(reply.body));
    assert.equal(error.code, 'upstream_unreachable');
    assert.match(error.message, /connection refused .* tried 3 times/);
  });
});
