import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { SightlineError } from '../../src/errors.ts';
import { defaultLimits, type Limits } from '../../src/limits.ts';
import type {
  FlowControl,
  ReplyReceiver,
  Transport,
  TransportRequest,
} from '../../src/transports/transport.ts';
import type { RawHeaders } from '../../src/wire/headers.ts';
import { type RawConnection, startRawServer } from '../support/raw-http.ts';

export interface TransportSubject {
  readonly name: string;
  /** A new one to this address. */
  readonly create: (origin: URL, limits: Limits) => Transport;
  /** A request of the kind that this transport, or this side of it, is for. */
  readonly request: () => TransportRequest;
}

/** What one request brought, call by call. */
export class Receipt implements ReplyReceiver {
  readonly calls: string[] = [];
  status = 0;
  statusMessage = '';
  headers: RawHeaders = [];
  readonly pieces: Buffer[] = [];
  trailers: RawHeaders = [];
  error: SightlineError | undefined;
  readonly #head = Promise.withResolvers<void>();
  readonly #end = Promise.withResolvers<void>();
  readonly #data: (() => void)[] = [];

  /** Resolves with the head. */
  get head(): Promise<void> {
    return this.#head.promise;
  }

  /** Resolves with the end, by an error or not. */
  get end(): Promise<void> {
    return this.#end.promise;
  }

  get body(): string {
    return Buffer.concat(this.pieces).toString('latin1');
  }

  /** Resolves with the next piece. */
  nextData(): Promise<void> {
    return new Promise((resolve) => this.#data.push(resolve));
  }

  /** Called within each `onData`. */
  withinData: () => void = () => undefined;

  onHead(status: number, statusMessage: string, headers: RawHeaders): void {
    this.calls.push('head');
    Object.assign(this, { status, statusMessage, headers });
    this.#head.resolve();
  }

  onData(chunk: Buffer): void {
    this.calls.push('data');
    // The transport may use the memory again.
    this.pieces.push(Buffer.from(chunk));
    this.withinData();
    this.#data.shift()?.();
  }

  onEnd(trailers: RawHeaders): void {
    this.calls.push('end');
    this.trailers = trailers;
    this.#end.resolve();
  }

  onError(error: SightlineError): void {
    this.calls.push('error');
    this.error = error;
    this.#end.resolve();
  }
}

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const begun = 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nbegun';

type Serve = (connection: RawConnection, index: number) => void | Promise<void>;

/** Answers each request on a connection with the same bytes. */
export function answering(bytes: string | Uint8Array): Serve {
  return async (connection) => {
    while (await connection.request()) await connection.send(bytes);
    connection.close();
  };
}

/** Answers with these bytes, and then nothing more; says when. */
export function beginning(bytes: string | undefined): { serve: Serve; begun: Promise<RawConnection> } {
  const { promise, resolve } = Promise.withResolvers<RawConnection>();
  return {
    begun: promise,
    serve: async (connection) => {
      await connection.request();
      if (bytes !== undefined) await connection.send(bytes);
      resolve(connection);
      await connection.request();
    },
  };
}

/** What every transport has to do, as the prose on its interface says. */
export function transportContract(subject: TransportSubject): void {
  const { name, request } = subject;

  /** A transport to a server that serves so. */
  async function at(serve: Serve, limits: Partial<Limits> = {}) {
    const server = await startRawServer(serve);
    const transport = subject.create(new URL(server.url), { ...defaultLimits, ...limits });
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
      server,
      transport,
      send,
      async [Symbol.asyncDispose]() {
        await transport.close(0);
        await server[Symbol.asyncDispose]();
      },
    };
  }

  describe(`${name}: contract of a transport`, () => {
    it('begins idle, connects more than once, and closes', async () => {
      await using one = await at(answering(ok));
      assert.equal(one.transport.health.state, 'idle');
      await one.transport.connect();
      await one.transport.connect();
      assert.equal(one.transport.health.state, 'open');
      await one.transport.close(0);
      assert.deepEqual(one.transport.health, { state: 'closed', connections: 0, running: 0, queued: 0 });
    });

    it('sends without having been connected', async () => {
      await using one = await at(answering(ok));
      const { receipt } = one.send();
      await receipt.end;
      assert.deepEqual([receipt.status, receipt.statusMessage, receipt.body], [200, 'OK', 'ok']);
      assert.deepEqual(receipt.headers, ['Content-Length', '2']);
      assert.deepEqual(receipt.calls, ['head', 'data', 'end']);
      assert.equal(one.transport.health.state, 'open');
    });

    it('tells headers and trailers as they stand on the wire', async () => {
      const bytes =
        'HTTP/1.1 200 Fine\r\nX-Twice: 1\r\nx-twice: \xe9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\nx-SUM: 2\r\n\r\n';
      await using one = await at(answering(bytes));
      const { receipt } = one.send();
      await receipt.end;
      assert.equal(receipt.statusMessage, 'Fine');
      assert.deepEqual(receipt.headers.slice(0, 4), ['X-Twice', '1', 'x-twice', '\xe9']);
      assert.deepEqual(receipt.trailers, ['X-Sum', '1', 'x-SUM', '2']);
    });

    it('tells a reason phrase in the characters of its bytes', async () => {
      await using one = await at(answering('HTTP/1.1 200 Sch\xc3\xb6n\r\nContent-Length: 0\r\n\r\n'));
      const { receipt } = one.send();
      await receipt.end;
      assert.equal(receipt.statusMessage, 'Sch\xc3\xb6n');
    });

    it('passes interim replies over', async () => {
      await using one = await at(answering(`HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${ok}`));
      const { receipt } = one.send();
      await receipt.end;
      assert.deepEqual([receipt.status, receipt.body], [200, 'ok']);
    });

    it('answers a request that cannot be sent with an error', async () => {
      await using one = await at(answering(ok));
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
      assert.equal(one.server.connections.length, 0);
    });

    it('keeps a connection for the next request', async () => {
      await using one = await at(answering(ok));
      for (let i = 0; i < 3; i += 1) {
        await one.send().receipt.end;
        await turn();
      }
      assert.equal(one.server.connections.length, 1);
      const { connections, running, queued } = one.transport.health;
      assert.deepEqual({ connections, running, queued }, { connections: 1, running: 0, queued: 0 });
    });

    it('tells what runs and what waits, and sends what waits in its turn', async () => {
      const taken: RawConnection[] = [];
      const both = Promise.withResolvers<void>();
      await using one = await at(
        async (connection) => {
          for (let r = await connection.request(); r; r = await connection.request()) {
            taken.push(connection);
            if (taken.length === 2) both.resolve();
          }
        },
        { upstreamConnectionsMax: 2 },
      );
      const sent = Array.from({ length: 4 }, () => one.send().receipt);
      await both.promise;
      const { health } = one.transport;
      assert.deepEqual([health.running, health.queued, health.connections], [2, 2, 2]);
      for (let i = 0; i < 4; i += 1) {
        while (taken.length <= i) await turn();
        await taken[i]?.send(ok);
      }
      for (const receipt of sent) {
        await receipt.end;
        assert.equal(receipt.body, 'ok');
      }
      assert.equal(one.server.connections.length, 2);
    });

    it('refuses at once what is more than may wait', async () => {
      const { serve, begun: first } = beginning(undefined);
      await using one = await at(serve, { upstreamConnectionsMax: 1, upstreamQueueMax: 2 });
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
        const { serve, begun: first } = beginning(ok);
        await using one = await at(serve);
        const { receipt, control } = one.send();
        control.abort();
        const next = one.send();
        await first;
        await next.receipt.end;
        assert.deepEqual(receipt.calls, []);
      });

      for (const [when, bytes] of [
        ['before the head', undefined],
        ['in the body', begun],
      ] as const) {
        it(`${when}: the upstream sees the connection go, and nothing more is received`, async () => {
          const { serve, begun: first } = beginning(bytes);
          await using one = await at(serve);
          const { receipt, control } = one.send();
          const connection = await first;
          if (bytes !== undefined) await receipt.nextData();
          const { length } = receipt.calls;
          control.abort();
          control.abort();
          await connection.closed();
          assert.equal(receipt.calls.length, length);
          while (one.transport.health.connections > 0) await turn();
          assert.equal(one.transport.health.running, 0);
        });
      }

      it('and every other control after the end change nothing', async () => {
        await using one = await at(answering(ok));
        const { receipt, control } = one.send();
        await receipt.end;
        control.pause();
        control.resume();
        control.abort();
        await turn();
        await one.send().receipt.end;
        assert.deepEqual(receipt.calls, ['head', 'data', 'end']);
        assert.equal(one.server.connections.length, 1);
      });
    });

    it('pauses and resumes: nothing is lost, and nothing comes in between', async () => {
      const size = 3_000_000;
      await using one = await at(
        answering(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`),
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
      await using one = await at(answering(ok));
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
      const failures: readonly (readonly [string, Serve, string, readonly string[]])[] = [
        ['that closes without a reply', (connection) => connection.close(), 'upstream_closed', ['error']],
        [
          'that answers with garbage',
          answering('\u0000 not HTTP\r\n\r\n'),
          'upstream_invalid_reply',
          ['error'],
        ],
        [
          'that sends a head without end',
          answering(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`),
          'upstream_invalid_reply',
          ['error'],
        ],
        [
          'that closes in the body',
          async (connection) => {
            await connection.request();
            await connection.send(begun);
            connection.socket.end();
          },
          'upstream_truncated',
          ['head', 'data', 'error'],
        ],
        [
          'that resets in the body',
          async (connection) => {
            await connection.request();
            await connection.send(begun);
            connection.socket.resetAndDestroy();
          },
          'upstream_truncated',
          ['head', 'data', 'error'],
        ],
        [
          'that ends chunks without the last one',
          async (connection) => {
            await connection.request();
            await connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n');
            connection.socket.end();
          },
          'upstream_truncated',
          ['head', 'data', 'error'],
        ],
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
          ['http://127.0.0.1:1', /connection refused/],
          ['http://no-such-name.invalid', /does not resolve/],
        ] as const) {
          const transport = subject.create(new URL(address), defaultLimits);
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
        const limits = { ...defaultLimits, connectTimeoutMs: 50 };
        const transport = subject.create(new URL(`https://127.0.0.1:${server.port}`), limits);
        const receipt = new Receipt();
        transport.send(request(), receipt);
        await receipt.end;
        assert.equal(receipt.error?.code, 'upstream_unreachable');
        assert.match(receipt.error?.message ?? '', /connect timeout/);
        await transport.close(0);
      });

      it('that sends no head: upstream_timeout', async () => {
        await using one = await at(beginning(undefined).serve, { replyHeadTimeoutMs: 50 });
        const { receipt } = one.send();
        await receipt.end;
        assert.equal(receipt.error?.code, 'upstream_timeout');
        assert.deepEqual(receipt.calls, ['error']);
      });

      it('that falls silent in the body: upstream_timeout', async () => {
        await using one = await at(beginning(begun).serve, { replyIdleTimeoutMs: 50 });
        const { receipt } = one.send();
        await receipt.end;
        assert.equal(receipt.error?.code, 'upstream_timeout');
        assert.deepEqual(receipt.calls, ['head', 'data', 'error']);
      });

      it('that falls silent after a pause: upstream_timeout, once it is resumed', async () => {
        await using one = await at(beginning(begun).serve, { replyIdleTimeoutMs: 50 });
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
        await using one = await at(answering(ok));
        await one.transport.close(1_000);
        await Promise.all([one.transport.close(1_000), one.transport.close(0)]);
        assert.equal(one.transport.health.state, 'closed');
      });

      it('is followed by errors for whatever is sent', async () => {
        await using one = await at(answering(ok));
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
        const { serve, begun: first } = beginning(begun);
        await using one = await at(serve);
        const { receipt } = one.send();
        const connection = await first;
        await receipt.nextData();
        const closed = one.transport.close(60_000);
        const late = one.send().receipt;
        await late.end;
        assert.equal(late.error?.code, 'stopping');
        await connection.send('x'.repeat(15));
        await receipt.end;
        assert.equal(receipt.error, undefined);
        assert.equal(receipt.body.length, 20);
        await closed;
        await connection.closed();
      });

      it('cuts off at its deadline what runs and what waits', async () => {
        const { serve, begun: first } = beginning(begun);
        await using one = await at(serve, { upstreamConnectionsMax: 1 });
        const { receipt } = one.send();
        const connection = await first;
        await receipt.nextData();
        const waiting = one.send().receipt;
        await one.transport.close(10);
        await Promise.all([receipt.end, waiting.end]);
        assert.equal(receipt.error?.code, 'stopping');
        assert.equal(waiting.error?.code, 'stopping');
        await connection.closed();
      });

      it('can be hastened by another one', async () => {
        const { serve, begun: first } = beginning(begun);
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
