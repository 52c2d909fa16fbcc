import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { Reply } from '../../src/exchange/reply.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import type { Service } from '../../src/service.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { readToEnd, sendChat } from '../support/chat-client.ts';
import { Endings } from '../support/endings.ts';
import { startService } from '../support/service.ts';

const asFastAsPossible = { timeToFirstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY };
const never = () => new Promise<undefined>(() => undefined);

/** An upstream that answers every connection with these bytes. */
async function startRawUpstream(bytes: string) {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(bytes, 'latin1'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}

async function startBackend() {
  const simulator = await startSimulator(asFastAsPossible);
  return Object.assign(simulator, { [Symbol.asyncDispose]: () => simulator.close() });
}

const post = (service: Service, path: string, body: string | Buffer, agent: http.Agent | false = false) => {
  const request = http.request(service.dataUrl + path, { method: 'POST', agent });
  request.on('error', () => undefined);
  request.end(body);
  return once(request, 'response').then(([response]) => response as http.IncomingMessage);
};

describe('a service under attack', () => {
  it('survives a reason phrase that cannot be written, and blames the upstream', async () => {
    await using upstream = await startRawUpstream('HTTP/1.1 200 O\u0001K\r\ncontent-length: 0\r\n\r\n');
    await using service = await startService({ config: { upstreams: { default: upstream.url } } });
    const endings = new Endings(service);
    const { head } = sendChat(service, 'reason', 'any', false);
    const response = await head;
    assert.equal(response.statusCode, 502);
    response.resume();
    assert.equal((await endings.of('reason')).outcome, 'upstream_error');
  });

  it('answers a query that is nested too deeply with 400 where a middleware has to read it', async () => {
    await using backend = await startBackend();
    await using service = await startService({
      config: { upstreams: { default: backend.url }, middleware: [{ redact: { patterns: ['email'] } }] },
    });
    const deep = `{"model":"m","messages":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const response = await post(service, '/v1/chat/completions', deep);
    assert.equal(response.statusCode, 400);
    assert.match((await readToEnd(response)).text, /nested too deeply/);
  });

  for (const path of [
    '/v1/chat/completions/',
    '/v1/chat/completions;a',
    '/v1/chat%2Fcompletions',
    '/V1/Chat/Completions',
  ]) {
    it(`lets nobody step around redact by the spelling ${path}`, async () => {
      const received: string[] = [];
      const upstream = http.createServer(async (request, response) => {
        let body = '';
        for await (const piece of request) body += String(piece);
        received.push(body);
        response.end();
      });
      upstream.listen(0, '127.0.0.1');
      await once(upstream, 'listening');
      await using service = await startService({
        config: {
          upstreams: { default: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` },
          middleware: [{ redact: { patterns: ['email'] } }],
        },
      });
      const query = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'me@example.com' }] });
      (await post(service, path, query)).resume();
      assert.equal(received.length, 1);
      assert.ok(!received[0]?.includes('me@example.com'));
      upstream.close();
      upstream.closeAllConnections();
    });
  }

  it('holds no more than so many pipelined requests of one connection', async () => {
    await using backend = await startBackend();
    await using service = await startService({ config: { upstreams: { default: backend.url } } });
    const socket = net.connect(Number(new URL(service.dataUrl).port), '127.0.0.1');
    socket.on('error', () => undefined);
    const body = '{"model":"sim-no-head","messages":[{"role":"user","content":"Hi"}]}';
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    socket.write('GET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(1_000));
    socket.resume();
    await once(socket, 'close');
    await service.inFlight.empty();
    assert.match(
      await service.telemetry.page.render(),
      /listener_rejections_total\{error_type="too_many_pipelined"\} 1/,
    );
  });
});

describe('a connection whose upload nobody reads', () => {
  const answers: Middleware = { name: 'answers', beforeQuery: () => Reply.json(200, { answered: true }) };

  it('goes on to its next request when a middleware has answered', async () => {
    await using backend = await startBackend();
    await using service = await startService({
      config: { upstreams: { default: backend.url } },
      middleware: [answers],
    });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let round = 0; round < 3; round += 1) {
      const response = await post(service, '/v1/files', Buffer.alloc(1024 * 1024), agent);
      assert.equal((await readToEnd(response)).text, '{"answered":true}');
    }
    agent.destroy();
  });
});

describe('an upstream without a free connection', () => {
  it('forgets who has gone while they waited', async () => {
    await using backend = await startBackend();
    await using service = await startService({
      config: {
        upstreams: { default: backend.url },
        limits: { upstreamConnectionsMax: 1, upstreamQueueMax: 2 },
      },
    });
    const endings = new Endings(service);
    const holding = sendChat(service, 'holding', 'sim-stall-1');
    await holding.head;
    for (const id of ['gone-1', 'gone-2', 'gone-3', 'gone-4']) {
      const started = new Promise<void>((resolve) => {
        const remove = service.hooks.registerHook('attempt.started', () => {
          remove();
          resolve();
        });
      });
      const { request } = sendChat(service, id, 'gpt-4o');
      await started;
      request.destroy();
      assert.equal((await endings.of(id)).outcome, 'client_aborted');
    }
    const live = sendChat(service, 'live', 'gpt-4o');
    holding.request.destroy();
    assert.match((await readToEnd(await live.head)).text, /\[DONE\]/);
  });
});

describe("a service at its drain's deadline", () => {
  it('waits for no middleware', async () => {
    await using backend = await startBackend();
    const service = await startService({
      config: {
        upstreams: { default: backend.url },
        limits: { drainTimeoutMs: 50, middlewareTimeoutMs: 2_000 },
      },
      middleware: [{ name: 'slow', onError: never }],
    });
    const endings = new Endings(service);
    const { head } = sendChat(service, 'cut', 'sim-no-head');
    await backend.journal.waitForReceived(({ requestId }) => requestId === 'cut');
    await service.stop();
    assert.equal((await head).statusCode, 503);
    assert.equal((await endings.of('cut')).outcome, 'failed');
  });

  it('sends no reply that came too late, and tells what the client was told', async () => {
    await using backend = await startBackend();
    const { promise: isReading, resolve: reading } = Promise.withResolvers<void>();
    const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
    const service = await startService({
      config: {
        upstreams: { default: backend.url },
        limits: { drainTimeoutMs: 50, middlewareTimeoutMs: 2_000 },
      },
      middleware: [
        { name: 'outer', onError: never },
        {
          name: 'inner',
          async afterResponse() {
            reading();
            await isReleased;
          },
        },
      ],
    });
    const endings = new Endings(service);
    const { head } = sendChat(service, 'late', 'gpt-4o', false);
    await isReading;
    const stopped = service.stop();
    const response = await head;
    release();
    assert.equal(response.statusCode, 503);
    response.resume();
    await stopped;
    const ended = await endings.of('late');
    assert.deepEqual([ended.outcome, ended.status], ['failed', 503]);
  });
});
