import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { defaultLimits, type Limits } from '../../src/limits.ts';
import type { FlowControl, Transport, TransportRequest } from '../../src/transports/transport.ts';
import { startRawServer } from '../support/raw-http.ts';
import {
  type Arrival,
  answering,
  type Backend,
  beginning,
  Receipt,
  reply,
  type Serve,
} from './transport-backend.ts';

export interface TransportSubject {
  readonly name: string;
  /** A new one to this address. */
  readonly create: (url: URL, limits: Limits) => Transport;
  /** A request of the kind that this transport, or this side of it, is for. */
  readonly request: () => TransportRequest;
  /** Something that it can talk to, and that serves so. */
  readonly startBackend: (serve: Serve) => Promise<Backend>;
  /** Of its addresses; `s` behind it means TLS. */
  readonly scheme: 'http' | 'ws';
  /** Limits with which so many requests may be under way at once. */
  readonly atOnce: (requests: number) => Partial<Limits>;
  /** All requests have one connection, which survives them; otherwise each has its own, and takes it along where it is aborted. */
  readonly sharesConnection: boolean;
}

/** What every transport has to do, as the prose on its interface says. */
export function transportContract(subject: TransportSubject): void {
  const { name, request, sharesConnection } = subject;

  /** A transport to a backend that serves so. */
  async function at(serve: Serve, limits: Partial<Limits> = {}) {
    const backend = await subject.startBackend(serve);
    const transport = subject.create(backend.url, { ...defaultLimits, ...limits });
    const send = (change: Partial<TransportRequest> = {}) => {
      const receipt = new Receipt();
      let control: FlowControl | undefined;
      assert.doesNotThrow(() => {
        control = transport.send({ ...request(), ...change }, receipt);
      });
      assert.deepEqual(receipt.calls, [], 'nothing is received before send has returned');
      return { receipt, control: control as FlowControl };
    };
    return {
      backend,
      transport,
      send,
      async [Symbol.asyncDispose]() {
        await transport.close(0);
        await backend[Symbol.asyncDispose]();
      },
    };
  }

  describe(`${name}: contract of a transport`, () => {
    it('begins idle, connects more than once, and closes', async () => {
      await using one = await at(answering);
      assert.equal(one.transport.health.state, 'idle');
      await one.transport.connect();
      await one.transport.connect();
      assert.equal(one.transport.health.state, 'open');
      await one.transport.close(0);
      assert.deepEqual(one.transport.health, { state: 'closed', connections: 0, running: 0, queued: 0 });
    });

    it('sends without having been connected', async () => {
      await using one = await at(answering);
      const { receipt } = one.send();
      await receipt.end;
      assert.deepEqual([receipt.status, receipt.statusMessage, receipt.body], [200, 'OK', 'ok']);
      assert.deepEqual(receipt.headers, ['Content-Length', '2']);
      assert.deepEqual(receipt.calls, ['head', 'data', 'end']);
      assert.equal(one.transport.health.state, 'open');
    });

    it('brings a request as it was given', async () => {
      const arrived = Promise.withResolvers<Arrival>();
      await using one = await at(async (arrival) => {
        arrived.resolve(arrival);
        await answering(arrival);
      });
      const { headers } = request();
      const given = ['X-Twice', '1', 'x-twice', '2', 'X-Twice', '3', 'x-latin', '\xe9\xff'];
      const target = "/a%20b//c/?q=%20&q=+&r[]=~!$'()*,;:@";
      const { receipt } = one.send({ method: 'PATCH', target, headers: [...headers, ...given] });
      await receipt.end;
      const arrival = await arrived.promise;
      assert.deepEqual([arrival.method, arrival.target, String(arrival.body)], ['PATCH', target, 'hi']);
      const own = arrival.headers.filter((_, i) => /^x-/i.test(arrival.headers[i - (i % 2)] ?? ''));
      // Fields of one name may move together, and be spelled alike; their values keep their order (RFC 9110 §5.3).
      assert.deepEqual(valuesOf(own, 'x-twice'), ['1', '2', '3']);
      assert.deepEqual(valuesOf(own, 'x-latin'), ['\xe9\xff']);
      assert.deepEqual(arrival.trailers, request().trailers());
    });

    it('tells headers and trailers as they stand on the wire', async () => {
      await using one = await at(async (arrival) => {
        await arrival.head(200, 'Fine', ['X-Twice', '1', 'x-twice', '\xe9']);
        await arrival.piece('x');
        await arrival.end(['X-Sum', '1', 'x-SUM', '2']);
      });
      const { receipt } = one.send();
      await receipt.end;
      assert.equal(receipt.statusMessage, 'Fine');
      assert.deepEqual(receipt.headers.slice(0, 4), ['X-Twice', '1', 'x-twice', '\xe9']);
      assert.deepEqual(receipt.trailers, ['X-Sum', '1', 'x-SUM', '2']);
    });

    it('tells a reason phrase in the characters of its bytes', async () => {
      await using one = await at((arrival) =>
        reply(arrival, ['Content-Length', '0'], '', 200, 'Sch\xc3\xb6n'),
      );
      const { receipt } = one.send();
      await receipt.end;
      assert.equal(receipt.statusMessage, 'Sch\xc3\xb6n');
    });

    it('answers a request that cannot be sent with an error', async () => {
      await using one = await at(answering);
      for (const change of [
        { target: '/a b' },
        { target: '/\u4f60' },
        { method: 'NO GOOD' },
        { headers: ['x', 'a\r\nb: c'] },
        { headers: ['b\u00e4d', 'x'] },
      ]) {
        const { receipt } = one.send(change);
        await receipt.end;
        assert.deepEqual(receipt.calls, ['error']);
        assert.equal(receipt.error?.code, 'malformed_request');
      }
      assert.equal(one.backend.connectionsTaken, 0);
    });

    it('keeps a connection for the next request', async () => {
      await using one = await at(answering);
      for (let i = 0; i < 3; i += 1) {
        await one.send().receipt.end;
        await turn();
      }
      assert.equal(one.backend.connectionsTaken, 1);
      const { connections, running, queued } = one.transport.health;
      assert.deepEqual({ connections, running, queued }, { connections: 1, running: 0, queued: 0 });
    });

    it('tells what runs and what waits, and sends what waits in its turn', async () => {
      const taken: Arrival[] = [];
      const both = Promise.withResolvers<void>();
      await using one = await at((arrival) => {
        taken.push(arrival);
        if (taken.length === 2) both.resolve();
      }, subject.atOnce(2));
      const sent = Array.from({ length: 4 }, () => one.send().receipt);
      await both.promise;
      const { health } = one.transport;
      const connections = sharesConnection ? 1 : 2;
      assert.deepEqual([health.running, health.queued, health.connections], [2, 2, connections]);
      for (let i = 0; i < 4; i += 1) {
        while (taken.length <= i) await turn();
        await answering(taken[i] as Arrival);
      }
      for (const receipt of sent) {
        await receipt.end;
        assert.equal(receipt.body, 'ok');
      }
      assert.equal(one.backend.connectionsTaken, connections);
    });

    it('refuses at once what is more than may wait', async () => {
      const { serve, begun: first } = beginning('nothing');
      await using one = await at(serve, { ...subject.atOnce(1), upstreamQueueMax: 2 });
      const running = one.send();
      await first;
      const waiting = [one.send(), one.send()];
      const { receipt } = one.send();
      await receipt.end;
      assert.equal(receipt.error?.code, 'upstream_saturated');
      assert.deepEqual(
        [running, ...waiting].map((other) => other.receipt.calls.length),
        [0, 0, 0],
      );
    });

    describe('abort', () => {
      it('before it has a connection: it is never sent', async () => {
        const targets: string[] = [];
        await using one = await at((arrival) => {
          targets.push(arrival.target);
          return answering(arrival);
        });
        const { receipt, control } = one.send({ target: '/aborted' });
        control.abort();
        await one.send({ target: '/next' }).receipt.end;
        assert.deepEqual(receipt.calls, []);
        assert.deepEqual(targets, ['/next']);
      });

      for (const [when, what] of [
        ['before the head', 'nothing'],
        ['in the body', 'head and piece'],
      ] as const) {
        it(`${when}: the upstream learns of it, and nothing more is received`, async () => {
          const { serve, begun: first } = beginning(what);
          await using one = await at(serve);
          const { receipt, control } = one.send();
          const piece = receipt.nextData();
          const arrival = await first;
          if (what === 'head and piece') await piece;
          const { length } = receipt.calls;
          control.abort();
          control.abort();
          await arrival.unwanted();
          assert.equal(receipt.calls.length, length);
          while (one.transport.health.running > 0) await turn();
          while (!sharesConnection && one.transport.health.connections > 0) await turn();
          assert.equal(one.transport.health.connections, sharesConnection ? 1 : 0);
        });
      }

      it('and every other control after the end change nothing', async () => {
        await using one = await at(answering);
        const { receipt, control } = one.send();
        await receipt.end;
        control.pause();
        control.resume();
        control.abort();
        await turn();
        await one.send().receipt.end;
        assert.deepEqual(receipt.calls, ['head', 'data', 'end']);
        assert.equal(one.backend.connectionsTaken, 1);
      });
    });

    it('pauses and resumes: nothing is lost, and nothing comes in between', async () => {
      const size = 3_000_000;
      await using one = await at((arrival) =>
        reply(arrival, ['Content-Length', String(size)], 'x'.repeat(size)),
      );
      const { receipt, control } = one.send();
      receipt.withinData = () => control.pause();
      let next = receipt.nextData();
      for (let i = 0; i < 3; i += 1) {
        await next;
        const { length } = receipt.calls;
        for (let turns = 0; turns < 20; turns += 1) await turn();
        assert.equal(receipt.calls.length, length);
        next = receipt.nextData();
        control.resume();
      }
      await next;
      receipt.withinData = () => undefined;
      control.resume();
      await receipt.end;
      assert.equal(receipt.body.length, size);
      assert.equal(receipt.error, undefined);
    });

    it('can be paused from within the head and resumed later', async () => {
      await using one = await at(answering);
      const receipt = new Receipt();
      const onHead = receipt.onHead.bind(receipt);
      receipt.onHead = (...head) => {
        onHead(...head);
        control.pause();
      };
      const control = one.transport.send(request(), receipt);
      await receipt.head;
      for (let turns = 0; turns < 20; turns += 1) await turn();
      assert.deepEqual(receipt.calls, ['head']);
      control.resume();
      await receipt.end;
      assert.deepEqual(receipt.calls, ['head', 'data', 'end']);
    });

    describe('an upstream', () => {
      const broken = ['head', 'data', 'error'];
      const failures: readonly (readonly [string, Serve, string, readonly string[]])[] = [
        ['that closes without a reply', (arrival) => arrival.breakOff('close'), 'upstream_closed', ['error']],
        ['that answers with garbage', (arrival) => arrival.garbage(), 'upstream_invalid_reply', ['error']],
        ['that closes in the body', breakingOff('close'), 'upstream_truncated', broken],
        ['that resets in the body', breakingOff('reset'), 'upstream_truncated', broken],
      ];
      for (const [what, serve, code, calls] of failures) {
        it(`${what}: ${code}`, async () => {
          await using one = await at(serve);
          const { receipt } = one.send();
          await receipt.end;
          assert.equal(receipt.error?.code, code);
          // A reset may overtake what was sent before it.
          assert.ok(calls.join().endsWith(receipt.calls.join()) || receipt.calls.join() === 'head,error');
        });
      }

      it('that nobody can reach: upstream_unreachable', async () => {
        for (const [address, reason] of [
          [`${subject.scheme}://127.0.0.1:1`, /connection refused/],
          [`${subject.scheme}://no-such-name.invalid`, /does not resolve/],
        ] as const) {
          const transport = subject.create(new URL(address), { ...defaultLimits, ...quickly });
          const receipt = new Receipt();
          transport.send(request(), receipt);
          assert.deepEqual(receipt.calls, []);
          await receipt.end;
          assert.equal(receipt.error?.code, 'upstream_unreachable');
          assert.match(receipt.error?.message ?? '', reason);
          await transport.close(0);
        }
      });

      it('that never finishes a handshake: upstream_unreachable, at the connect timeout', async () => {
        await using server = await startRawServer((connection) => {
          connection.socket.resume();
        });
        const limits = { ...defaultLimits, ...quickly, connectTimeoutMs: 50 };
        const transport = subject.create(new URL(`${subject.scheme}s://127.0.0.1:${server.port}`), limits);
        const receipt = new Receipt();
        transport.send(request(), receipt);
        await receipt.end;
        assert.equal(receipt.error?.code, 'upstream_unreachable');
        assert.match(receipt.error?.message ?? '', /connect timeout/);
        await transport.close(0);
      });

      it('that sends no head: upstream_timeout', async () => {
        await using one = await at(beginning('nothing').serve, { replyHeadTimeoutMs: 50 });
        const { receipt } = one.send();
        await receipt.end;
        assert.equal(receipt.error?.code, 'upstream_timeout');
        assert.deepEqual(receipt.calls, ['error']);
      });

      it('that falls silent in the body: upstream_timeout', async () => {
        await using one = await at(beginning('head and piece').serve, { replyIdleTimeoutMs: 50 });
        const { receipt } = one.send();
        await receipt.end;
        assert.equal(receipt.error?.code, 'upstream_timeout');
        assert.deepEqual(receipt.calls, ['head', 'data', 'error']);
      });

      it('that falls silent after a pause: upstream_timeout, once it is resumed', async () => {
        await using one = await at(beginning('head and piece').serve, { replyIdleTimeoutMs: 50 });
        const { receipt, control } = one.send();
        receipt.withinData = () => control.pause();
        await receipt.nextData();
        // The other side of the pause may last: that is not the upstream's silence.
        const idle = one.send();
        await idle.receipt.end;
        assert.deepEqual(receipt.calls, ['head', 'data']);
        control.resume();
        await receipt.end;
        assert.equal(receipt.error?.code, 'upstream_timeout');
      });
    });

    describe('close', () => {
      it('is safe before connect, and may be called again', async () => {
        await using one = await at(answering);
        await one.transport.close(1_000);
        await Promise.all([one.transport.close(1_000), one.transport.close(0)]);
        assert.equal(one.transport.health.state, 'closed');
      });

      it('is followed by errors for whatever is sent', async () => {
        await using one = await at(answering);
        await one.send().receipt.end;
        await one.transport.close(0);
        const { receipt, control } = one.send();
        await receipt.end;
        assert.equal(receipt.error?.code, 'stopping');
        control.pause();
        control.resume();
        control.abort();
        await one.transport.connect();
        assert.equal(one.transport.health.state, 'closed');
        assert.deepEqual(receipt.calls, ['error']);
      });

      it('lets what runs finish', async () => {
        const { serve, begun: first } = beginning('head and piece');
        await using one = await at(serve);
        const { receipt } = one.send();
        const piece = receipt.nextData();
        const arrival = await first;
        await piece;
        const closed = one.transport.close(60_000);
        const late = one.send().receipt;
        await late.end;
        assert.equal(late.error?.code, 'stopping');
        await arrival.piece('x'.repeat(15));
        await arrival.end();
        await receipt.end;
        assert.equal(receipt.error, undefined);
        assert.equal(receipt.body.length, 20);
        await closed;
        await arrival.disconnected();
      });

      it('cuts off at its deadline what runs and what waits', async () => {
        const { serve, begun: first } = beginning('head and piece');
        await using one = await at(serve, subject.atOnce(1));
        const { receipt } = one.send();
        const piece = receipt.nextData();
        const arrival = await first;
        await piece;
        const waiting = one.send().receipt;
        await one.transport.close(10);
        await Promise.all([receipt.end, waiting.end]);
        assert.equal(receipt.error?.code, 'stopping');
        assert.equal(waiting.error?.code, 'stopping');
        await arrival.disconnected();
      });

      it('can be hastened by another one', async () => {
        const { serve, begun: first } = beginning('head and piece');
        await using one = await at(serve);
        const { receipt } = one.send();
        await first;
        const patient = one.transport.close(60_000);
        await one.transport.close(0);
        await receipt.end;
        assert.equal(receipt.error?.code, 'stopping');
        await patient;
      });
    });
  });
}

/** What connects more than once does it at once. */
const quickly = { reconnectAttemptsMax: 2, reconnectDelayMs: 1 };

function breakingOff(how: 'close' | 'reset'): Serve {
  return async (arrival) => {
    await arrival.head(200, 'OK', ['Content-Length', '20']);
    await arrival.piece('begun');
    arrival.breakOff(how);
  };
}

function valuesOf(headers: readonly string[], name: string): string[] {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === name);
}
