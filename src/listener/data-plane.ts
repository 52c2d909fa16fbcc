import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import express, { type Express } from 'express';
import { asSightlineError, errorTable, SightlineError } from '../errors.ts';
import { Exchange, type Route } from '../exchange/exchange.ts';
import { checkTarget, originForm } from '../exchange/request-target.ts';
import { Flow, type FlowServices } from '../flow/flow.ts';
import { streamPath } from '../stream/protocol.ts';
import { placeOf, routeOf, targetBelow, unknownRoute } from '../upstreams/routes.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import {
  answerRejection,
  isEarlyEnd,
  type ParserError,
  type Rejection,
  rejectionOf,
} from './client-error.ts';
import { HttpSink, type SinkTurn } from './http-sink.ts';
import { readQuery } from './read-query.ts';
import { readHead } from './request-head.ts';
import { Upgrades } from './upgrades.ts';

export interface DataPlaneOptions {
  readonly host: string;
  readonly port: number;
  /** Of pages that may open WebSockets. */
  readonly origins: readonly string[];
  readonly upstreams: readonly Upstream[];
  /** Asked for at each request: an exchange keeps what it began with. */
  readonly services: () => FlowServices;
  /** Told of requests that were refused before they became exchanges. */
  readonly onRejection: (rejection: Rejection) => void;
}

const streamRoute: Route = { template: streamPath, upstream: undefined, dialect: undefined };

/** One request on a connection. The newest one tells whose fault it is when the parser fails. */
class Turn implements SinkTurn {
  request: IncomingMessage | undefined;
  response: ServerResponse | undefined;
  flow: Flow | undefined;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
  }

  /** An idle connection must not hold its last exchange, and the plugins that it went through. */
  over(): void {
    if (this.request?.complete === false) this.request.once('end', () => this.#letGo());
    else this.#letGo();
  }

  #letGo(): void {
    this.request = undefined;
    this.response = undefined;
    this.flow = undefined;
  }
}

/** The plane of model traffic: makes an exchange of each request and hands it to its flow. */
export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #server: Server;
  readonly #upgrades: Upgrades;
  /** The longest prefix first, so that the default upstream takes what no other one does. */
  readonly #upstreams: readonly Upstream[];
  readonly #turns = new WeakMap<Duplex, Turn>();
  /** Connections whose parser has failed: it fails again with every piece that comes. */
  readonly #rejected = new WeakSet<Duplex>();
  /** Pipelined requests whose turn has not come. */
  readonly #waiting = new WeakMap<Duplex, number>();
  /** Requests whose bodies are not sent before they are asked for (RFC 9110 §10.1.1). */
  readonly #expectant = new WeakSet<IncomingMessage>();
  readonly #closed = Promise.withResolvers<void>();
  #isStopping = false;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#upstreams = [...options.upstreams].sort((a, b) => b.prefix.length - a.prefix.length);
    this.#upgrades = new Upgrades({ ...options, upstreams: this.#upstreams });
    const { limits } = options.services();
    const app = this.#routes();
    this.#server = createServer(
      {
        maxHeaderSize: limits.requestHeadersBytesMax,
        headersTimeout: limits.requestHeadersTimeoutMs,
        requestTimeout: limits.requestTimeoutMs,
        keepAliveTimeout: limits.clientKeepAliveTimeoutMs,
        // How often Node looks for requests that are late.
        connectionsCheckingInterval: 1_000,
        noDelay: true,
        shouldUpgradeCallback: (request) => this.#isUpgrade(request),
      },
      (request, response) => this.#receive(app, request, response),
    );
    this.#server.on('checkContinue', (request, response) => {
      this.#expectant.add(request);
      this.#receive(app, request, response);
    });
    this.#server.on('upgrade', (request, socket, head) => this.#upgrades.receive({ request, socket, head }));
    this.#server.on('clientError', (error, socket) => this.#onParserError(error, socket));
  }

  /** Resolves with the address when connections are taken. */
  async listen(): Promise<AddressInfo> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    return this.#server.address() as AddressInfo;
  }

  /** Takes no more connections; those at work finish what they do. Idempotent, safe before `listen`. */
  stopListening(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#upgrades.isStopping = true;
    this.#server.close(() => this.#closed.resolve());
    this.#server.closeIdleConnections();
  }

  /** Ends what is still open. Idempotent, safe before `listen`. */
  async close(): Promise<void> {
    this.stopListening();
    this.#server.closeAllConnections();
    await this.#closed.promise;
  }

  #routes(): Express {
    const app = express();
    app.disable('x-powered-by');
    app.enable('case sensitive routing');
    for (const upstream of this.#upstreams) {
      app.use(upstream.prefix, (request, response) => this.#handle(request, response, upstream));
    }
    app.use((request, response) => this.#handle(request, response, undefined));
    return app;
  }

  /**
   * Where it is none, a request with `upgrade` is one like any other (RFC 9110 §7.8): for other protocols than
   * WebSocket, of HTTP/1.0, or pipelined behind a request whose reply still needs the connection. Node asks only
   * where `connection` names it too.
   */
  #isUpgrade({ headers, httpVersion, socket }: IncomingMessage): boolean {
    if (headers.upgrade?.toLowerCase() !== 'websocket' || httpVersion === '1.0') return false;
    return this.#turns.get(socket)?.response?.writableFinished !== false;
  }

  /**
   * One exchange at a time on a connection: a pipelined request begins when its turn has come, so that
   * each has a socket to watch, and none is left behind when the client goes (RFC 9112 §9.3.2).
   */
  #receive(app: Express, request: IncomingMessage, response: ServerResponse): void {
    this.#turns.set(request.socket, new Turn(request, response));
    const { target } = originForm(request.url ?? '/');
    request.url = target;
    const route = () => {
      // What is no path is nothing that Express could route.
      if (target.startsWith('/')) app(request, response);
      else this.#handle(request, response, undefined);
    };
    if (response.socket) route();
    else this.#waitForTurn(request.socket, response, route);
  }

  /** What waits behind a slow reply is held in memory, and nobody slows the client down. */
  #waitForTurn(socket: Duplex, response: ServerResponse, route: () => void): void {
    const waiting = (this.#waiting.get(socket) ?? 0) + 1;
    this.#waiting.set(socket, waiting);
    if (waiting > this.#options.services().limits.pipelinedRequestsMax) {
      if (!socket.destroyed)
        this.#options.onRejection({
          code: 'too_many_pipelined',
          message: errorTable.too_many_pipelined.message,
        });
      socket.destroy();
      return;
    }
    response.once('socket', () => {
      this.#waiting.set(socket, (this.#waiting.get(socket) ?? 1) - 1);
      route();
    });
  }

  /** The newest request broke off, or what came after it is none. */
  #onParserError(error: ParserError, socket: Duplex): void {
    const rejection = rejectionOf(error);
    if (!rejection || (this.#rejected.has(socket) && socket.readableEnded)) {
      socket.destroy();
      return;
    }
    if (this.#rejected.has(socket)) return;
    this.#rejected.add(socket);
    const { request, response, flow } = this.#turns.get(socket) ?? {};
    const reject = () => {
      this.#options.onRejection(rejection);
      answerRejection(rejection, socket, this.#options.services().limits.lingerTimeoutMs);
    };
    if (!request || !response || (request.complete && response.writableFinished)) reject();
    // Replies keep the order of their requests (RFC 9112 §9.3.2).
    else if (request.complete) response.once('finish', reject);
    else if (!flow || response.writableFinished) socket.destroy();
    else if (isEarlyEnd(error)) flow.fail(new SightlineError('client_aborted'));
    else flow.fail(new SightlineError(rejection.code, { message: rejection.message }));
  }

  #handle(
    request: IncomingMessage & { originalUrl?: string },
    response: ServerResponse,
    upstream: Upstream | undefined,
  ): void {
    const services = this.#options.services();
    const { target, path } = originForm(request.originalUrl ?? request.url ?? '/');
    // Of the exact path alone: the upstreams have what is below it.
    const isStream = path === streamPath;
    const place = upstream && !isStream ? placeOf(upstream) : undefined;
    const route = isStream ? streamRoute : routeOf(request.method ?? 'GET', path, place);
    const exchange = begin(request, target, path, route, services);
    if (this.#isStopping) response.shouldKeepAlive = false;
    const newest = this.#turns.get(request.socket);
    const turn = newest?.request === request ? newest : undefined;
    const sink = new HttpSink(response, services.limits, turn);
    const flow = new Flow(services, exchange, sink);
    if (turn) turn.flow = flow;
    const fail = (thrown: unknown) => flow.fail(asSightlineError(thrown));
    try {
      checkTarget(path);
      if (isStream) throw new SightlineError('upgrade_required');
      if (!place) throw unknownRoute(path, this.#options.upstreams);
      const query = readQuery(request, exchange, targetBelow(target, place), services.limits);
      // What would be refused need not be sent.
      if (this.#expectant.has(request)) response.writeContinue();
      if (query instanceof Promise) query.then((read) => flow.run(read, place.upstream)).catch(fail);
      else flow.run(query, place.upstream);
    } catch (thrown) {
      fail(thrown);
    }
  }
}

function begin(
  request: IncomingMessage,
  target: string,
  path: string,
  route: Route,
  services: FlowServices,
): Exchange {
  const { id, isClients, head } = readHead(request, target, path);
  return new Exchange(id, isClients, head, route, services.limits);
}
