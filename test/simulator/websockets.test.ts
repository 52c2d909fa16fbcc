import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { objectOf } from '../../src/simulator/json.ts';
import { startFast } from './client.ts';
import { ask, openRealtime, RealtimeClient, refusedUpgrade, textOnly } from './realtime-client.ts';
import { realtimeStage } from './realtime-stage.ts';

describe("the simulator's WebSockets", () => {
  const stage = realtimeStage();
  const open = (model: string, headers?: Record<string, string>) => stage.open(model, headers);

  describe('a model that fails', () => {
    const deltas = (client: RealtimeClient) =>
      client.events.filter(({ type }) => type === 'response.output_text.delta').length;
    const begin = async (model: string) => {
      const client = await open(model);
      client.send(textOnly, ask);
      const { response } = await client.next('response.created');
      return { client, id: objectOf(response).id };
    };
    const entryOf = (id: unknown) => stage.simulator.journal.waitFor(({ responseId }) => responseId === id);

    it('breaks the connection off after so many tokens', async () => {
      const { client, id } = await begin('sim-truncate-2');
      assert.equal(await client.closed, 1006);
      assert.equal(deltas(client), 2);
      const entry = await entryOf(id);
      assert.deepEqual(
        [entry.ended, entry.fault, entry.outputEvents, entry.terminalSent],
        ['fault', 'sim-truncate', 2, false],
      );
    });

    it('closes properly in the middle of a turn', async () => {
      const { client, id } = await begin('sim-clean-cut-2');
      assert.equal(await client.closed, 1011);
      assert.equal(deltas(client), 2);
      assert.equal((await entryOf(id)).ended, 'fault');
    });

    it('falls silent for ever', async () => {
      const { client, id } = await begin('sim-stall-1');
      await client.next('response.output_text.delta');
      client.send({ type: 'response.cancel' }, { type: 'nonsense' });
      // A pong shows that all before it was read, and not answered.
      client.socket.ping();
      await once(client.socket, 'pong');
      assert.equal(client.events.at(-1)?.type, 'response.output_text.delta');
      client.socket.terminate();
      assert.deepEqual([(await entryOf(id)).ended, deltas(client)], ['fault', 1]);
    });

    it('tells of a failure, and goes on', async () => {
      const { client, id } = await begin('sim-error-event-2');
      const response = objectOf((await client.next('response.done')).response);
      assert.deepEqual(
        [response.status, objectOf(response.status_details).type, deltas(client)],
        ['failed', 'failed', 2],
      );
      assert.equal(objectOf(objectOf(response.status_details).error).code, 'server_error');
      const entry = await entryOf(id);
      assert.deepEqual([entry.ended, entry.finishReasons, entry.tokens], ['fault', ['failed'], {}]);
      client.send(ask);
      await client.next('response.created');
    });

    it('never ends', async () => {
      const { client, id } = await begin('sim-never-ends');
      await client.next('rate_limits.updated');
      client.send(ask);
      assert.equal(
        objectOf((await client.next('error')).error).code,
        'conversation_already_has_active_response',
      );
      await client.close();
      assert.equal((await entryOf(id)).ended, 'fault');
    });

    it('puts garbage among the right events', async () => {
      const { client } = await begin('sim-malformed-sse');
      await client.next('response.done');
      assert.ok(client.texts.some((text) => text === 'not json at all'));
    });

    it('is slow to begin', async () => {
      const client = await open('sim-slow-start-30');
      const askedAt = performance.now();
      client.send(ask);
      await client.next('response.created');
      assert.ok(performance.now() - askedAt >= 29);
    });

    it('refuses the upgrade', async () => {
      const { status, body } = await refusedUpgrade(
        `${stage.simulator.url}/v1/realtime?model=sim-status-429`,
      );
      assert.deepEqual([status, objectOf(body.error).code], [429, 'rate_limit_exceeded']);
      const entry = (await stage.simulator.journal.settled()).at(-1);
      assert.deepEqual(
        [entry?.operation, entry?.fault, entry?.status, entry?.ended],
        ['openai.realtime', 'sim-status', 429, 'fault'],
      );
      assert.deepEqual([entry?.turn, entry?.modelRequested], [undefined, 'sim-status-429']);
    });

    it('does not answer the upgrade, or not in HTTP', async () => {
      for (const model of ['sim-close', 'sim-garbage']) {
        const client = new RealtimeClient(`${stage.simulator.url}/v1/realtime?model=${model}`);
        assert.equal(await client.closed, 1006);
        assert.equal((await stage.simulator.journal.settled()).at(-1)?.fault, model);
      }
      const client = new RealtimeClient(`${stage.simulator.url}/v1/realtime?model=sim-no-head`);
      const entry = await stage.simulator.journal.waitForReceived(({ fault }) => fault === 'sim-no-head');
      client.socket.terminate();
      await stage.simulator.journal.waitFor((ended) => ended === entry);
      assert.deepEqual([entry.ended, entry.status], ['fault', undefined]);
    });
  });

  describe('an upgrade', () => {
    it('is taken on the paths of OpenAI and Azure, and needs a model', async () => {
      for (const path of [
        '/realtime?model=m',
        '/openai/v1/realtime?model=m',
        '/openai/realtime?api-version=1&deployment=m',
      ]) {
        const client = new RealtimeClient(stage.simulator.url + path);
        const { session } = await client.next('session.created');
        assert.equal(objectOf(session).model, 'm');
        await client.close();
      }
      assert.equal((await refusedUpgrade(`${stage.simulator.url}/v1/realtime`)).status, 400);
      for (const path of ['/', '//', '/v1/realtime/x?model=m', '/v1/chat/completions']) {
        assert.equal((await refusedUpgrade(stage.simulator.url + path)).status, 404, path);
      }
      const entry = (await stage.simulator.journal.settled()).at(-1);
      assert.deepEqual([entry?.status, entry?.ended, entry?.operation], [404, 'completed', undefined]);
    });

    it("takes a browser's subprotocols for what its headers cannot say", async () => {
      const protocols = ['realtime', 'openai-insecure-api-key.sk-test', 'openai-beta.realtime-v1'];
      const client = new RealtimeClient(`${stage.simulator.url}/v1/realtime?model=m`, {}, protocols);
      const { session } = await client.next('session.created');
      assert.equal(client.socket.protocol, 'realtime');
      assert.ok('modalities' in objectOf(session));
      await client.close();
    });

    it('to anything else but a WebSocket is a plain request', async () => {
      const request = httpRequest(`${stage.simulator.url}/v1/models`, {
        agent: false,
        headers: { connection: 'upgrade, http2-settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' },
      });
      request.end();
      const [response] = await once(request, 'response');
      response.resume();
      assert.equal(response.statusCode, 200);
    });
  });

  describe('the echo', () => {
    const echoOf = async (path: string, perMessageDeflate: boolean) => {
      const socket = new WebSocket(stage.simulator.url.replace(/^http/, 'ws') + path, { perMessageDeflate });
      await once(socket, 'open');
      return socket;
    };

    it('says every message as it came, compressed where the client can', async () => {
      for (const compressed of [true, false]) {
        const socket = await echoOf(compressed ? '/v1/echo/any/thing' : '/echo', compressed);
        assert.equal(socket.extensions.includes('permessage-deflate'), compressed);
        const messages = ['', 'grüße', Buffer.from([0, 255, 1]), 'x'.repeat(300_000), Buffer.alloc(0)];
        for (const message of messages) {
          socket.send(message);
          const [data, isBinary] = await once(socket, 'message');
          assert.deepEqual(
            [isBinary, data.toString('hex')],
            [typeof message !== 'string', Buffer.from(message).toString('hex')],
          );
        }
        socket.close(4001, 'enough');
        const [code, reason] = await once(socket, 'close');
        assert.deepEqual([code, reason.toString()], [4001, 'enough']);
        const entry = (await stage.simulator.journal.settled()).at(-1);
        const bytes = messages.reduce((sum, message) => sum + Buffer.byteLength(message), 0);
        assert.deepEqual(
          [entry?.status, entry?.ended, entry?.requestBytes, entry?.replyBytes],
          [101, 'completed', bytes, bytes],
        );
        assert.equal(entry?.requestSha256, entry?.replySha256);
      }
    });

    it('reads no more from a client that does not read', async () => {
      const socket = await echoOf('/echo', false);
      socket.pause();
      const message = Buffer.alloc(1024 * 1024);
      let sent = 0;
      const [entry] = stage.simulator.journal.underWay();
      assert.ok(entry);
      for (let round = 0; round < 64; round += 1)
        socket.send(message, () => {
          sent += 1;
        });
      let seen = -1;
      while (entry.requestBytes !== seen || entry.requestBytes === 0) {
        seen = entry.requestBytes;
        for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
      }
      assert.ok(entry.requestBytes < 32 * message.length && sent < 64, `${entry.requestBytes} bytes`);
      socket.resume();
      let received = 0;
      await new Promise<void>((resolve) => {
        socket.on('message', () => {
          received += 1;
          if (received === 64) resolve();
        });
      });
      socket.close();
      await stage.simulator.journal.settled();
    });
  });

  describe('at its end', () => {
    it('destroys sessions when it is told to, and says that it was not the client', async () => {
      const own = await startFast();
      const client = await openRealtime(own.url, 'sim-slow-token-1000');
      client.send(textOnly, ask);
      await client.next('response.created');
      const echo = new RealtimeClient(`${own.url}/echo`);
      await once(echo.socket, 'open');
      own.killConnections();
      assert.deepEqual(await Promise.all([client.closed, echo.closed]), [1006, 1006]);
      const entries = await own.journal.settled();
      assert.deepEqual(
        entries.map(({ ended }) => ended),
        ['fault', 'fault'],
      );
      assert.deepEqual(entries.map(({ fault }) => fault).toSorted(), ['killed', 'sim-slow-token']);
      await (await openRealtime(own.url, 'm')).close();
      await own.close();
    });

    it('closes with a session open, and no timer is left', async () => {
      const own = await startFast();
      const client = await openRealtime(own.url, 'sim-slow-token-100000');
      client.send(textOnly, ask);
      await client.next('response.created');
      await own.close();
      assert.equal(await client.closed, 1006);
      assert.deepEqual(
        process.getActiveResourcesInfo().filter((name) => name === 'Timeout'),
        [],
      );
    });
  });
});
