import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { streamPath, streamSubprotocol } from '../../../src/stream/protocol.ts';
import { startRawServer } from '../../support/raw-http.ts';
import { type Stage, startStage } from './stage.ts';

const quickly = { reconnectDelayMs: 1, reconnectDelayMsMax: 2 };

async function idle({ transport }: Stage): Promise<void> {
  while (transport.health.state !== 'idle') await turn();
}

describe('connecting', () => {
  it('asks for the stream protocol at the address, with the headers of the upstream', async () => {
    await using stage = await startStage({ headers: { authorization: 'Bearer ours', 'x-tenant': 'a' } });
    await stage.transport.connect();
    const [upgrade] = stage.backend.upgrades;
    assert.equal(upgrade?.url, streamPath);
    assert.deepEqual([upgrade?.headers.authorization, upgrade?.headers['x-tenant']], ['Bearer ours', 'a']);
    assert.equal(upgrade?.headers['sec-websocket-protocol'], streamSubprotocol);
    assert.equal(upgrade?.headers['sec-websocket-extensions'], undefined);
  });

  it('is told to those who wait for it, and to nobody who does not', async () => {
    await using stage = await startStage({ serve: (arrival) => arrival.end() });
    const [first, second] = [stage.send(), stage.send()];
    assert.equal(stage.transport.health.state, 'connecting');
    await Promise.all([first.receipt.end, second.receipt.end]);
    const third = stage.send();
    await third.receipt.end;
    for (const { receipt } of [first, second]) {
      assert.deepEqual(
        receipt.tries.map(({ number, error, nextInMs }) => ({ number, error, nextInMs })),
        [{ number: 1, error: undefined, nextInMs: undefined }],
      );
    }
    assert.deepEqual(third.receipt.tries, []);
    assert.equal(stage.backend.connectionsTaken, 1);
  });

  it('is tried again, later each time, until it succeeds', async () => {
    await using stage = await startStage({
      limits: { ...quickly, reconnectAttemptsMax: 1_000 },
      serve: (arrival) => arrival.end(),
    });
    stage.backend.stopListening();
    const { receipt } = stage.send();
    const connected = stage.transport.connect();
    while (receipt.tries.length < 3) await turn();
    assert.deepEqual([stage.transport.health.state, stage.transport.health.queued], ['connecting', 1]);
    await stage.backend.listenAgain();
    await Promise.all([receipt.end, connected]);
    assert.deepEqual(receipt.calls, ['head', 'end']);
    assert.deepEqual(
      receipt.tries.map(({ number }) => number),
      receipt.tries.map((_, i) => i + 1),
    );
    for (const { error, nextInMs = 0 } of receipt.tries.slice(0, -1)) {
      assert.match(error?.message ?? '', /connection refused/);
      assert.ok(nextInMs >= 0.5 && nextInMs <= 2);
    }
    assert.equal(receipt.tries.at(-1)?.error, undefined);
  });

  it('is given up after so many tries, which says how many there were and why', async () => {
    await using stage = await startStage({ limits: { ...quickly, reconnectAttemptsMax: 3 } });
    stage.backend.stopListening();
    const { receipt } = stage.send();
    await assert.rejects(stage.transport.connect(), { code: 'upstream_unreachable' });
    await receipt.end;
    assert.equal(receipt.error?.code, 'upstream_unreachable');
    assert.equal(
      receipt.error?.message,
      'The upstream cannot be reached: connection refused (ECONNREFUSED). It was tried 3 times.',
    );
    assert.deepEqual(
      receipt.tries.map(({ number, nextInMs }) => [number, nextInMs === undefined]),
      [
        [1, false],
        [2, false],
        [3, true],
      ],
    );
    assert.equal(stage.transport.health.state, 'idle');
    // The next need is another beginning.
    await stage.backend.listenAgain();
    await stage.transport.connect();
    assert.equal(stage.transport.health.state, 'open');
  });

  for (const [status, tries] of [
    [401, 1],
    [403, 1],
    [404, 1],
    [301, 1],
    [429, 3],
    [503, 3],
  ] as const) {
    it(`an upgrade that is answered with ${status} is tried ${tries === 1 ? 'once' : 'again'}`, async () => {
      await using stage = await startStage({ limits: { ...quickly, reconnectAttemptsMax: 3 } });
      stage.backend.refuseWith = status;
      const { receipt } = stage.send();
      await receipt.end;
      assert.equal(receipt.error?.code, 'upstream_unreachable');
      assert.match(receipt.error?.message ?? '', new RegExp(`answered with status ${status}`));
      assert.equal(stage.backend.upgrades.length, tries);
    });
  }

  it('to something that speaks no stream protocol fails, with what it lacks', async () => {
    const key = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
    for (const [answer, why] of [
      ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', /status 200/],
      ['garbage\r\n\r\n', /not HTTP/],
      [
        `HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`,
        /Accept/,
      ],
      [undefined, /broke off during the upgrade/],
    ] as const) {
      await using server = await startRawServer(async (connection) => {
        await connection.head();
        if (answer !== undefined) await connection.send(answer);
        connection.socket.end();
      });
      await using stage = await startStage({
        address: new URL(`ws://127.0.0.1:${server.port}/stream`),
        limits: { ...quickly, reconnectAttemptsMax: 1 },
      });
      const { receipt } = stage.send();
      await receipt.end;
      assert.equal(receipt.error?.code, 'upstream_unreachable');
      assert.match(receipt.error?.message ?? '', why);
    }
  });

  it('to something that never answers the upgrade fails in time', async () => {
    await using server = await startRawServer((connection) => {
      connection.socket.resume();
    });
    await using stage = await startStage({
      address: new URL(`ws://127.0.0.1:${server.port}/stream`),
      limits: { ...quickly, reconnectAttemptsMax: 1, upgradeTimeoutMs: 20 },
    });
    const { receipt } = stage.send();
    await receipt.end;
    assert.match(receipt.error?.message ?? '', /no answer to the upgrade/);
    await server.connections[0]?.closed();
  });

  it('is not gone on with when nobody waits any more', async () => {
    await using stage = await startStage({ limits: { ...quickly, reconnectAttemptsMax: 1_000_000 } });
    stage.backend.stopListening();
    const { receipt, control } = stage.send();
    while (receipt.tries.length < 2) await turn();
    control.abort();
    await idle(stage);
    assert.deepEqual(receipt.calls, []);
  });

  it('ends where the transport is closed', async () => {
    await using stage = await startStage({ limits: { ...quickly, reconnectAttemptsMax: 1_000_000 } });
    stage.backend.stopListening();
    const { receipt } = stage.send();
    const connected = assert.rejects(stage.transport.connect(), { code: 'stopping' });
    await stage.transport.close(0);
    await Promise.all([connected, receipt.end]);
    assert.equal(receipt.error?.code, 'stopping');
    assert.equal(stage.transport.health.state, 'closed');
  });
});

describe('a lost connection', () => {
  it('is opened again at once where requests wait', async () => {
    await using stage = await startStage({ limits: { streamQueriesMax: 1, reconnectDelayMs: 60_000 } });
    const running = stage.send();
    const arrival = await stage.arrival();
    const waiting = stage.send();
    arrival.connection.webSocket.close(1012, 'restarting');
    await (await stage.arrival()).end();
    await Promise.all([running.receipt.end, waiting.receipt.end]);
    assert.deepEqual(waiting.receipt.calls, ['head', 'end']);
    assert.deepEqual(
      waiting.receipt.tries.map(({ number, error }) => [number, error]),
      [[1, undefined]],
    );
  });

  it('is left alone where nobody waits, until somebody has something to send', async () => {
    await using stage = await startStage({ serve: (arrival) => arrival.end() });
    await stage.transport.connect();
    stage.backend.connections[0]?.webSocket.close(1001);
    await idle(stage);
    assert.equal(stage.backend.connectionsTaken, 1);
    const { receipt } = stage.send();
    await receipt.end;
    assert.deepEqual([receipt.calls, stage.backend.connectionsTaken], [['head', 'end'], 2]);
  });

  for (const code of [1001, 1011, 1012, 1013]) {
    it(`closed with ${code}: what had no reply yet fails and is not sent again, since it may have cost money`, async () => {
      await using stage = await startStage();
      const sent = [stage.send(), stage.send()];
      const first = await stage.arrival();
      await first.head(200, 'OK', []);
      await stage.arrival();
      await sent[0]?.receipt.head;
      first.connection.webSocket.close(code, 'so long');
      await Promise.all(sent.map(({ receipt }) => receipt.end));
      assert.deepEqual(
        sent.map(({ receipt }) => receipt.error?.code),
        ['upstream_truncated', 'upstream_closed'],
      );
      assert.match(sent[1]?.receipt.error?.message ?? '', new RegExp(`${code}: so long`));
      const next = stage.send();
      await (await stage.arrival()).end();
      await next.receipt.end;
      assert.equal(next.receipt.status, 200);
      assert.deepEqual(
        stage.backend.connections.map(
          ({ received }) => received.filter(({ type }) => type === 'query').length,
        ),
        [2, 1],
      );
    });
  }
});

describe('a silent peer', () => {
  it('is asked, and what it owes fails as upstream_lost where it does not answer', async () => {
    await using stage = await startStage({ limits: { pingIntervalMs: 10, pongTimeoutMs: 10 } });
    stage.backend.isDeaf = true;
    const sent = [stage.send(), stage.send()];
    const first = await stage.arrival();
    await first.head(200, 'OK', []);
    await Promise.all(sent.map(({ receipt }) => receipt.end));
    for (const { receipt } of sent) {
      assert.equal(receipt.error?.code, 'upstream_lost');
      assert.match(receipt.error?.message ?? '', /ping within 10 ms/);
    }
    // Nobody is at the other end to close it with.
    assert.equal((await first.connection.closed).code, 1006);
    await idle(stage);
  });

  it('that answers is kept, however long it is silent', async () => {
    await using stage = await startStage({ limits: { pingIntervalMs: 5, pongTimeoutMs: 300 } });
    const { receipt } = stage.send();
    const arrival = await stage.arrival();
    let pings = 0;
    const second = new Promise<void>((resolve) => {
      arrival.connection.webSocket.on('ping', () => {
        pings += 1;
        if (pings === 2) resolve();
      });
    });
    await second;
    await arrival.end();
    await receipt.end;
    assert.deepEqual(receipt.calls, ['head', 'end']);
  });
});
