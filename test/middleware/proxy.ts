import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Middleware } from '../../src/middleware/middleware.ts';
import type { Service } from '../../src/service.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { Endings } from '../support/endings.ts';
import { startService } from '../support/service.ts';

interface ProxyOptions {
  /** As the configuration's `middleware` section has it. */
  readonly builtin?: readonly unknown[];
  readonly middleware?: readonly Middleware[];
  readonly limits?: Readonly<Record<string, number>>;
}

interface AskOptions {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly id: string;
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly bytes: Buffer;
  /** It came to its proper end. */
  readonly isClean: boolean;
}

/** A reply on its way, which the client can leave. */
export interface Asked {
  readonly id: string;
  readonly request: http.ClientRequest;
  readonly head: Promise<http.IncomingMessage>;
}

/** The service before a model backend that is as fast as it can be, and always says the same. */
export class TestProxy implements AsyncDisposable {
  readonly simulator: Simulator;
  readonly service: Service;
  readonly endings: Endings;
  #asked = 0;

  constructor(simulator: Simulator, service: Service) {
    this.simulator = simulator;
    this.service = service;
    this.endings = new Endings(service);
  }

  begin(payload: object, { path = '/v1/chat/completions', headers = {} }: AskOptions = {}): Asked {
    this.#asked += 1;
    const id = `ask-${this.#asked}`;
    const request = http.request(this.service.dataUrl + path, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'x-request-id': id, ...headers },
    });
    request.on('error', () => undefined);
    const head = once(request, 'response').then(([response]) => response as http.IncomingMessage);
    head.catch(() => undefined);
    request.end(JSON.stringify(payload));
    return { id, request, head };
  }

  /** One query, its reply read to the end, whatever that is. */
  async ask(payload: object, options: AskOptions = {}): Promise<Answer> {
    const { id, head } = this.begin(payload, options);
    const response = await head;
    const pieces: Buffer[] = [];
    try {
      for await (const piece of response) pieces.push(piece);
    } catch {
      // Told by `complete`.
    }
    return {
      id,
      status: response.statusCode ?? 0,
      headers: response.headers,
      bytes: Buffer.concat(pieces),
      isClean: response.complete,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.stop();
    await this.simulator.close();
  }
}

export async function startProxy({
  builtin = [],
  middleware = [],
  limits = {},
}: ProxyOptions): Promise<TestProxy> {
  const simulator = await startSimulator({
    timeToFirstTokenMs: 0,
    tokensPerSecond: Number.POSITIVE_INFINITY,
    clock: () => 1_800_000_000_000,
  });
  const config = { upstreams: { default: simulator.url }, middleware: builtin, limits };
  return new TestProxy(simulator, await startService({ config, middleware }));
}

/** A backend of one reply, for what no simulator says. */
export async function startBackend(reply: { type: string; body: string }) {
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': reply.type }).end(reply.body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
