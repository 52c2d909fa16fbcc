import { once } from 'node:events';
import http from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { SightlineError } from '../../src/errors.ts';
import type { FlowServices } from '../../src/flow/flow.ts';
import { InFlight } from '../../src/flow/in-flight.ts';
import { HookSystem } from '../../src/hooks/hook-system.ts';
import { defaultLimits, type Limits } from '../../src/limits.ts';
import { DataPlane } from '../../src/listener/data-plane.ts';
import { ProtocolExtension } from '../../src/messages/protocol-extension.ts';
import type { Middleware } from '../../src/middleware/middleware.ts';
import { MiddlewareStack, stackEntry } from '../../src/middleware/stack.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { HttpTransport } from '../../src/transports/http-transport.ts';
import { Upstream } from '../../src/upstreams/upstream.ts';
import { CountedLease } from './counted-lease.ts';

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
    recorder: { begin: ignore, beginAttempt: () => [], middlewareRan: ignore, end: ignore, ...recorder },
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
      compression: false,
      probe: false,
      limits,
    },
    new HttpTransport(new URL(simulator.url), limits),
  );
  const plane = new DataPlane({
    origins: [],
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
