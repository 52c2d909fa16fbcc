import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { sessionDialectFor } from '../dialects/index.ts';
import { asSightlineError, SightlineError } from '../errors.ts';
import { Exchange, type RequestHead, type Route } from '../exchange/exchange.ts';
import { SessionFacts } from '../exchange/session-facts.ts';
import type { FlowServices } from '../flow/flow.ts';
import { sendProblem } from '../flow/own-reply.ts';
import { runProxiedSession } from '../session/proxied-session.ts';
import { Session, type Upgrade } from '../session/session.ts';
import { streamPath } from '../stream/protocol.ts';
import { StreamEndpoint } from '../stream/stream-endpoint.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import { HttpSink } from './http-sink.ts';
import { requestId } from './request-id.ts';
import { checkTarget, originForm } from './request-target.ts';

export interface UpgradesOptions {
  /** The longest prefix first. */
  readonly upstreams: readonly Upstream[];
  readonly services: () => FlowServices;
}

/** Where a WebSocket handshake goes: to the stream protocol, or to the upstream of its path. */
export class Upgrades {
  readonly #options: UpgradesOptions;
  readonly #stream: StreamEndpoint;
  #sessions = 0;
  isStopping = false;

  constructor(options: UpgradesOptions) {
    this.#options = options;
    this.#stream = new StreamEndpoint({ route: (path) => this.#route(path) });
  }

  receive(upgrade: Upgrade): void {
    const { request, socket } = upgrade;
    const { target, path } = originForm(request.url ?? '/');
    const isStream = path === streamPath;
    const found = isStream ? undefined : this.#route(path);
    const exchange = this.#begin(upgrade, target, path, isStream, found);
    const session = new Session(this.#options.services, exchange);
    this.#sessions += 1;
    socket.once('close', () => {
      this.#sessions -= 1;
    });
    try {
      checkTarget(path);
      checkHandshake(upgrade);
      const { sessionsMax } = this.#options.services().limits;
      if (this.isStopping) throw new SightlineError('stopping');
      if (this.#sessions > sessionsMax) throw new SightlineError('too_many_sessions');
      if (isStream) this.#stream.accept(session, upgrade);
      else if (found) {
        const below = target.slice(found.prefix.length);
        runProxiedSession(session, upgrade, {
          upstream: found.upstream,
          target: below.startsWith('/') ? below : `/${below}`,
          dialect: sessionDialectFor(path.slice(found.prefix.length)),
        });
      } else
        throw new SightlineError('route_unknown', {
          message: `No upstream is configured for '${path.slice(0, 200)}'.`,
        });
    } catch (thrown) {
      refuse(session, upgrade, asSightlineError(thrown), this.#options.services().limits);
    }
  }

  #route(path: string): { upstream: Upstream; prefix: string } | undefined {
    for (const upstream of this.#options.upstreams) {
      const prefix = upstream.prefix === '/' ? '' : upstream.prefix;
      if (path === prefix || path.startsWith(`${prefix}/`)) return { upstream, prefix };
    }
    return undefined;
  }

  #begin(
    { request }: Upgrade,
    target: string,
    path: string,
    isStream: boolean,
    found: { upstream: Upstream; prefix: string } | undefined,
  ): Exchange {
    const sent = request.headers['x-request-id'];
    const { id, isClients } = requestId(typeof sent === 'string' ? sent : undefined);
    const head: RequestHead = {
      method: request.method ?? 'GET',
      target,
      path,
      headers: request.rawHeaders,
      httpVersion: request.httpVersion,
    };
    const dialect = found && sessionDialectFor(path.slice(found.prefix.length));
    const route: Route = {
      template: isStream ? streamPath : found ? `${found.prefix}${dialect?.path ?? '/*'}` : '/*',
      upstream: found?.upstream.name,
      dialect,
    };
    const facts = new SessionFacts(isStream ? 'stream' : (dialect?.name ?? 'unknown'));
    return new Exchange(id, isClients, head, route, this.#options.services().limits, {
      kind: 'session',
      facts,
    });
  }
}

/** RFC 6455 §4.2.1. */
function checkHandshake({ request }: Upgrade): void {
  const version = request.headers['sec-websocket-version'];
  if (version !== '13') throw new SightlineError('upgrade_required');
  const key = request.headers['sec-websocket-key'];
  if (request.method !== 'GET' || typeof key !== 'string' || !/^[+/0-9A-Za-z]{22}==$/.test(key)) {
    throw new SightlineError('bad_upgrade');
  }
}

/** The handshake is answered with an error; the session ends with it. */
function refuse(
  session: Session,
  upgrade: Upgrade,
  error: SightlineError,
  limits: FlowServices['limits'],
): void {
  const { request, socket } = upgrade;
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  const sink = new HttpSink(response, limits);
  sink.watcher = {
    onDrain: () => undefined,
    onStall: () => socket.destroy(),
    onClose: () => session.end(error.outcome, error),
  };
  sendProblem(session.exchange, sink, error);
  response.once('finish', () => socket.end());
}
