import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { SightlineError } from '../../../src/errors.ts';
import { Receipt } from '../../contract/transport-backend.ts';
import type { StreamConnection } from '../stream-backend.ts';
import { startStage } from './stage.ts';

const window = 1_000;
const limits = { streamWindowBytes: window };

function granted({ received }: StreamConnection): number {
  return received.reduce((sum, { type, bytes = 0 }) => sum + (type === 'window' ? bytes : 0), 0);
}

async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i += 1) await turn();
}

describe('the window of a query', () => {
  it('is granted again as the receiver takes what has come, half of it at a time', async () => {
    await using stage = await startStage({ limits });
    const { receipt } = stage.send();
    const arrival = await stage.arrival();
    await arrival.head(200, 'OK', []);
    await arrival.piece('x'.repeat(499));
    await turns();
    assert.equal(granted(arrival.connection), 0);
    await arrival.piece('x');
    await arrival.connection.message('window');
    assert.equal(granted(arrival.connection), 500);
    await arrival.piece('x'.repeat(9_500));
    await arrival.end();
    await receipt.end;
    assert.equal(receipt.body.length, 10_000);
    assert.ok(granted(arrival.connection) <= 10_000);
  });

  it('is not granted to a paused receiver: no more is held for it than one window', async () => {
    await using stage = await startStage({ limits });
    const { receipt, control } = stage.send();
    const arrival = await stage.arrival();
    control.pause();
    await arrival.head(200, 'OK', []);
    let isSent = false;
    const sent = arrival.piece('x'.repeat(5_000)).then(() => {
      isSent = true;
    });
    await turns();
    assert.deepEqual([receipt.calls, granted(arrival.connection), isSent], [['head'], 0, false]);
    control.resume();
    await sent;
    await arrival.end();
    await receipt.end;
    assert.equal(receipt.body.length, 5_000);
  });

  it('holds up nobody else: one slow reader among many', async () => {
    await using stage = await startStage({
      limits,
      serve: async (arrival) => {
        await arrival.head(200, 'OK', []);
        await arrival.piece('x'.repeat(20_000));
        await arrival.end();
      },
    });
    const slow = stage.send();
    slow.receipt.withinData = () => slow.control.pause();
    await slow.receipt.nextData();
    const others = Array.from({ length: 50 }, () => stage.send().receipt);
    await Promise.all(others.map((receipt) => receipt.end));
    assert.deepEqual([...new Set(others.map(({ body }) => body.length))], [20_000]);
    assert.equal(slow.receipt.calls.length, 2);
    slow.receipt.withinData = () => undefined;
    slow.control.resume();
    await slow.receipt.end;
    assert.equal(slow.receipt.body.length, 20_000);
  });

  it('is kept to by the server: one that sends past it has broken the protocol', async () => {
    await using stage = await startStage({ limits });
    const { receipt, control } = stage.send();
    const { connection, id } = await stage.arrival();
    control.pause();
    connection.send({ type: 'chunk', id, status: 200, text: 'x'.repeat(window) });
    connection.send({ type: 'chunk', id, text: 'x' });
    assert.equal((await connection.closed).code, 1002);
    // What has come goes first.
    assert.deepEqual(receipt.calls, ['head']);
    control.resume();
    await receipt.end;
    assert.deepEqual([receipt.calls, receipt.body.length], [['head', 'data', 'error'], window]);
    assert.equal(receipt.error?.code, 'upstream_truncated');
  });

  it('is not granted any more when the reply has ended', async () => {
    await using stage = await startStage({ limits });
    const { receipt, control } = stage.send();
    const arrival = await stage.arrival();
    control.pause();
    await arrival.head(200, 'OK', []);
    await arrival.piece('x'.repeat(window / 2));
    await arrival.piece('x'.repeat(window / 2));
    await arrival.end();
    await turns();
    receipt.withinData = () => control.pause();
    control.resume();
    await turns();
    assert.deepEqual(receipt.calls, ['head', 'data']);
    control.resume();
    control.resume();
    await receipt.end;
    await turns();
    assert.deepEqual([receipt.body.length, granted(arrival.connection)], [window, 0]);
  });
});

describe('a receiver', () => {
  it('may pause, resume and abort from within what it is given', async () => {
    await using stage = await startStage({ limits });
    const { receipt, control } = stage.send();
    const arrival = await stage.arrival();
    receipt.withinData = () => {
      control.pause();
      control.resume();
      if (receipt.pieces.length === 3) control.abort();
    };
    await arrival.head(200, 'OK', []);
    for (let i = 0; i < 5; i += 1) await arrival.piece('x');
    await arrival.unwanted();
    assert.deepEqual(receipt.calls, ['head', 'data', 'data', 'data']);
  });

  it('is given one thing after the other, whatever it does meanwhile', async () => {
    await using stage = await startStage({ limits });
    const { receipt, control } = stage.send();
    const arrival = await stage.arrival();
    control.pause();
    await arrival.head(200, 'OK', []);
    for (const piece of ['a', 'b', 'c']) await arrival.piece(piece);
    await arrival.end();
    await turns();
    let depth = 0;
    const depths: number[] = [];
    receipt.withinData = () => {
      depth += 1;
      control.pause();
      control.resume();
      depths.push(depth);
      depth -= 1;
    };
    control.resume();
    await receipt.end;
    assert.deepEqual([receipt.body, depths], ['abc', [1, 1, 1]]);
  });

  it('that aborts within the head gets nothing else of a reply that came whole', async () => {
    await using stage = await startStage();
    const receipt = new Receipt();
    const onHead = receipt.onHead.bind(receipt);
    receipt.onHead = (...head) => {
      onHead(...head);
      control.abort();
    };
    const request = { method: 'GET', target: '/', headers: [], body: undefined, trailers: () => [] };
    const control = stage.transport.send(request, receipt);
    const { connection, id } = await stage.arrival();
    connection.send({ type: 'response', id, status: 200, text: 'x', outcome: 'completed' });
    await receipt.head;
    await turns();
    assert.deepEqual([receipt.calls, connection.received.length], [['head'], 1]);
  });
});

describe('a cancelled query', () => {
  it('keeps its seat until the server has let go of it', async () => {
    await using stage = await startStage({ limits: { streamQueriesMax: 1 } });
    const first = stage.send();
    const { connection } = await stage.arrival();
    connection.webSocket.pause();
    first.control.abort();
    const second = stage.send();
    await turns();
    assert.deepEqual(stage.transport.health, { state: 'open', connections: 1, running: 1, queued: 1 });
    connection.webSocket.resume();
    await (await stage.arrival()).end();
    await second.receipt.end;
    assert.deepEqual(second.receipt.calls, ['head', 'end']);
  });

  it('keeps it no longer than a peer may take to answer', async () => {
    await using stage = await startStage({ limits: { streamQueriesMax: 1, closeTimeoutMs: 20 } });
    const first = stage.send();
    const { connection } = await stage.arrival();
    // What comes is read, and not understood any more.
    connection.webSocket.removeAllListeners('message');
    first.control.abort();
    while (stage.transport.health.running > 0) await turn();
  });
});

describe('the way out', () => {
  it('what waits for room in the send buffer is queued, and sent in its order', async () => {
    await using stage = await startStage({ limits: { sendBufferBytesMax: 1_000_000 } });
    stage.send();
    const { connection } = await stage.arrival();
    connection.socket.pause();
    const body = Buffer.alloc(2_000_000, 'x');
    const targets = Array.from({ length: 10 }, (_, i) => `/${i}`);
    for (const target of targets) stage.send({ target, body });
    assert.ok(stage.transport.health.queued > 4, 'the kernel takes some of it');
    const queued = stage.transport.health.queued;
    await turns();
    assert.equal(stage.transport.health.queued, queued);
    connection.socket.resume();
    for (const target of targets) assert.equal((await stage.arrival()).target, target);
    assert.equal(stage.transport.health.queued, 0);
  });

  it('queries are not sent faster than the server bears', async () => {
    await using stage = await startStage({
      limits: { clientMessagesPerSecondMax: 40 },
      serve: (arrival) => arrival.end(),
    });
    await stage.transport.connect();
    const sent = Array.from({ length: 8 }, () => stage.send().receipt);
    assert.deepEqual([stage.transport.health.running, stage.transport.health.queued], [5, 3]);
    await Promise.all(sent.map((receipt) => receipt.end));
    assert.deepEqual([...new Set(sent.map(({ status }) => status))], [200]);
  });
});

describe('a body on its way', () => {
  it('is collected first, and waits in the queue meanwhile', async () => {
    await using stage = await startStage();
    const body = new PassThrough();
    let trailers: string[] = [];
    const { receipt } = stage.send({ body, trailers: () => trailers });
    body.write('on');
    assert.equal(stage.transport.health.queued, 1);
    trailers = ['X-Sum', '3'];
    body.end('e');
    const arrival = await stage.arrival();
    assert.deepEqual([String(arrival.body), arrival.trailers], ['one', trailers]);
    await arrival.end();
    await receipt.end;
  });

  it('that is larger than a message may be is refused, and let go of', async () => {
    await using stage = await startStage({ limits: { messageBytesMax: 10_000 } });
    const body = Readable.from(Array.from({ length: 100 }, () => Buffer.alloc(1_000)));
    const { receipt } = stage.send({ body });
    await receipt.end;
    assert.equal(receipt.error?.code, 'body_too_large');
    assert.ok(body.destroyed);
    const whole = stage.send({ body: Buffer.alloc(10_000, 'x') });
    await whole.receipt.end;
    assert.equal(whole.receipt.error?.code, 'body_too_large');
    assert.equal(stage.backend.connectionsTaken, 0);
  });

  it('that breaks off is told as why it did', async () => {
    await using stage = await startStage();
    const body = new PassThrough();
    const { receipt } = stage.send({ body });
    body.write('half');
    body.destroy(new SightlineError('client_aborted'));
    await receipt.end;
    assert.deepEqual([receipt.calls, receipt.error?.code], [['error'], 'client_aborted']);
  });

  it('is let go of where its request is aborted, or the transport is closed', async () => {
    await using stage = await startStage();
    const bodies = [new PassThrough(), new PassThrough()];
    const gone = bodies.map((body) => once(body, 'close'));
    const [first, second] = bodies.map((body) => stage.send({ body }));
    first?.control.abort();
    await stage.transport.close(0);
    await Promise.all(gone);
    assert.deepEqual([first?.receipt.calls, second?.receipt.error?.code], [[], 'stopping']);
  });
});

describe('closing at its deadline', () => {
  it('leaves no timer behind, of what ran and of what was cancelled', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    await using stage = await startStage({ limits: { replyHeadTimeoutMs: 60_000 } });
    stage.send();
    const { control } = stage.send();
    const { connection } = await stage.arrival();
    connection.webSocket.pause();
    control.abort();
    await stage.transport.close(0);
    assert.equal(stage.transport.health.running, 0);
    assert.equal(timers(), before);
  });
});
