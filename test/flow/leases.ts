import { once } from 'node:events';
import http from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { SightlineError } from '../../src/errors.ts';
import type { FlowServices } from '../../src/flow/flow.ts';
import { InFlight } from '../../src/flow/in-flight.ts';
import type { Lease } from '../../src/flow/lease.ts';
import { HookSystem } from '../../src/hooks/hook-system.ts';
import { defaultLimits, type Limits } from '../../src/limits.ts';
import { DataPlane } from '../../src/listener/data-plane.ts';
import { ProtocolExtension } from '../../src/messages/protocol-extension.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { MiddlewareStack, stackEntry } from '../../src/middleware/stack.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { HttpTransport } from '../../src/transports/http-transport.ts';
import { Upstream } from '../../src/upstreams/upstream.ts';

/** Counts leases, and the callbacks that run while there is one. */
export class CountedLease implements Lease {
  acquired = 0;
  released = 0;
  /** What went wrong, in words. */
  readonly faults: string[] = [];
  /** Callbacks that have not answered. */
  readonly #running = new Set<{ readonly name: string; readonly lateAt: number }>();
  #whenEven: (() => void)[] = [];

  acquire(): void {
    this.acquired += 1;
  }

  release(): void {
    this.released += 1;
    if (this.released > this.acquired) this.faults.push('released more often than acquired');
    if (this.released < this.acquired) return;
    for (const { name, lateAt } of this.#running)
      if (performance.now() < lateAt) this.faults.push(`released while ${name} runs`);
    for (const resolve of this.#whenEven) resolve();
    this.#whenEven = [];
  }

  /** Resolves when every lease was given back. */
  even(): Promise<void> {
    if (this.acquired === this.released) return Promise.resolve();
    return new Promise((resolve) => this.#whenEven.push(resolve));
  }

  /** The same middleware; it is a fault where a callback begins or answers without a lease. */
  watch(middleware: Middleware, timeoutMs: number): Middleware {
    const watched: Record<string, unknown> = { name: middleware.name, onFailure: middleware.onFailure };
    for (const name of ['beforeQuery', 'onChunk', 'afterResponse', 'onError'] as const) {
      const callback = middleware[name] as ((...given: unknown[]) => unknown) | undefined;
      if (callback)
        watched[name] = (...given: unknown[]) => this.#run(name, timeoutMs, () => callback(...given));
    }
    return watched as unknown as Middleware;
  }

  #run(name: string, timeoutMs: number, callback: () => unknown): unknown {
    this.#check(`${name} began`);
    const answer = callback();
    if (!(answer instanceof Promise)) return answer;
    // By the clock: timers of different lengths do not always fire in order.
    const call = { name, lateAt: performance.now() + timeoutMs - 1 };
    this.#running.add(call);
    return answer.finally(() => {
      this.#running.delete(call);
      if (performance.now() < call.lateAt) this.#check(`${name} answered`);
    });
  }

  #check(what: string): void {
    if (this.released >= this.acquired) this.faults.push(`${what} without a lease`);
  }
}

export interface LeaseStage extends AsyncDisposable {
  readonly lease: CountedLease;
  readonly simulator: Simulator;
  readonly inFlight: InFlight;
  readonly hooks: HookSystem;
  begin(model: string, stream: boolean): { request: http.ClientRequest; closed: Promise<void> };
  /** One query, its reply read to its end, whatever that is. */
  ask(model: string, stream: boolean): Promise<number | undefined>;
}

interface StageOptions {
  readonly middleware?: readonly Middleware[];
  readonly limits?: Partial<Limits>;
  readonly recorder?: Partial<FlowServices['recorder']>;
}

/** The data plane with a lease of the test's, before a model backend. */
export async function startLeases({
  middleware = [],
  limits: some = {},
  recorder,
}: StageOptions): Promise<LeaseStage> {
  const limits = { ...defaultLimits, ...some };
  const simulator = await startSimulator({
    timeToFirstTokenMs: 0,
    tokensPerSecond: Number.POSITIVE_INFINITY,
  });
  const lease = new CountedLease();
  const timeoutMs = limits.middlewareTimeoutMs;
  const ignore = () => undefined;
  const hooks = new HookSystem({ timeoutMs: 1_000, pendingMax: 100, onFailure: ignore });
  const inFlight = new InFlight();
  const watched = middleware.map((one) => stackEntry(lease.watch(one, timeoutMs)));
  const services: FlowServices = {
    hooks,
    stack: new MiddlewareStack(watched, { timeoutMs, onFailure: ignore }),
    messages: new ProtocolExtension([]),
    lease,
    recorder: { begin: ignore, beginAttempt: () => [], end: ignore, ...recorder },
    inFlight,
    limits,
    log: pino({ level: 'silent' }),
  };
  const upstream = new Upstream(
    {
      name: 'default',
      prefix: '/',
      url: new URL(simulator.url),
      provider: undefined,
      headers: {},
      probe: false,
      limits,
    },
    new HttpTransport(new URL(simulator.url), limits),
  );
  const plane = new DataPlane({
    host: '127.0.0.1',
    port: 0,
    upstreams: [upstream],
    services: () => services,
    onRejection: ignore,
  });
  const { port } = await plane.listen();

  const begin = (model: string, stream: boolean) => {
    const request = http.request(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json' },
    });
    request.on('error', ignore);
    const closed = new Promise<void>((resolve) => request.once('close', resolve));
    request.end(JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hello!' }] }));
    return { request, closed };
  };
  const ask = async (model: string, stream: boolean) => {
    const { request, closed } = begin(model, stream);
    const response = await Promise.race([
      once(request, 'response').then(([message]) => message as http.IncomingMessage),
      closed,
    ]);
    response?.on('error', ignore).resume();
    await closed;
    return response?.statusCode;
  };
  const stop = async () => {
    inFlight.failAll(new SightlineError('stopping'));
    await plane.close();
    await upstream.transport.close(0);
    await simulator.close();
    await turn();
  };
  return { lease, simulator, inFlight, hooks, begin, ask, [Symbol.asyncDispose]: stop };
}
