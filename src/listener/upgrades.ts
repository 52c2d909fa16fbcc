import { sessionDialectFor } from '../dialects/index.ts';
import type { SessionDialect } from '../dialects/session-dialect.ts';
import { asSightlineError, SightlineError } from '../errors.ts';
import { Exchange, type Route } from '../exchange/exchange.ts';
import { checkTarget, originForm } from '../exchange/request-target.ts';
import { SessionFacts } from '../exchange/session-facts.ts';
import type { FlowServices } from '../flow/flow.ts';
import { sendProblem } from '../flow/own-reply.ts';
import { runProxiedSession } from '../session/proxied-session.ts';
import { Session, type Upgrade } from '../session/session.ts';
import { streamPath } from '../stream/protocol.ts';
import { StreamEndpoint } from '../stream/stream-endpoint.ts';
import { findPlace, targetBelow, type UpstreamPlace, unknownRoute } from '../upstreams/routes.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import { handshakeSink } from './handshake-sink.ts';
import { checkOrigin } from './origin.ts';
import { readHead } from './request-head.ts';

export interface UpgradesOptions {
  /** The longest prefix first. */
  readonly upstreams: readonly Upstream[];
  readonly services: () => FlowServices;
  /** Of pages that may open sessions. */
  readonly origins: readonly string[];
}

/** Where a WebSocket handshake goes: to the stream protocol, or to the upstream of its path. */
export class Upgrades {
  readonly #options: UpgradesOptions;
  readonly #stream: StreamEndpoint;
  #sessions = 0;
  isStopping = false;

  constructor(options: UpgradesOptions) {
    this.#options = options;
    this.#stream = new StreamEndpoint({ upstreams: options.upstreams, answer: handshakeSink });
  }

  receive(upgrade: Upgrade): void {
    const { request, socket } = upgrade;
    const { target, path } = originForm(request.url ?? '/');
    const isStream = path === streamPath;
    const place = isStream ? undefined : findPlace(this.#options.upstreams, path);
    const exchange = this.#begin(upgrade, target, path, isStream, place);
    const session = new Session(this.#options.services, exchange);
    // 'close' follows and tells the rest.
    socket.on('error', () => undefined);
    try {
      checkTarget(path);
      checkHandshake(upgrade);
      checkOrigin(request, this.#options.origins);
      const { limits } = this.#options.services();
      if (!isStream && !place) throw unknownRoute(path, this.#options.upstreams);
      if (this.isStopping) throw new SightlineError('stopping');
      if (this.#sessions >= limits.sessionsMax) throw new SightlineError('too_many_sessions');
      this.#sessions += 1;
      socket.once('close', () => {
        this.#sessions -= 1;
      });
      if (place) this.#proxy(session, upgrade, place, target);
      else this.#stream.accept(session, upgrade);
    } catch (thrown) {
      refuse(session, upgrade, asSightlineError(thrown), this.#options.services().limits);
    }
  }

  #proxy(session: Session, upgrade: Upgrade, place: UpstreamPlace, target: string): void {
    const { limits } = this.#options.services();
    runProxiedSession(session, upgrade, {
      upstream: place.upstream,
      target: targetBelow(target, place),
      dialect: sessionDialectOf(session.exchange.request.path, place),
      answer: () => handshakeSink(upgrade, limits, () => undefined),
    });
  }

  #begin(
    { request }: Upgrade,
    target: string,
    path: string,
    isStream: boolean,
    place: UpstreamPlace | undefined,
  ): Exchange {
    const { id, isClients, head } = readHead(request, target, path);
    const dialect = place && sessionDialectOf(path, place);
    const route: Route = {
      template: isStream ? streamPath : place ? `${place.prefix}${dialect?.path ?? '/*'}` : '/*',
      upstream: place?.upstream.name,
      dialect,
    };
    const facts = new SessionFacts(isStream ? 'stream' : (dialect?.name ?? 'unknown'));
    return new Exchange(id, isClients, head, route, this.#options.services().limits, {
      kind: 'session',
      facts,
    });
  }
}

function sessionDialectOf(path: string, { prefix }: UpstreamPlace): SessionDialect | undefined {
  return sessionDialectFor(path.slice(prefix.length));
}

/** RFC 6455 §4.2.1. A body would be read as frames. */
function checkHandshake({ request }: Upgrade): void {
  const { headers, method } = request;
  if (headers['sec-websocket-version'] !== '13') throw new SightlineError('upgrade_required');
  const key = headers['sec-websocket-key'];
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  const isOne = typeof key === 'string' && /^[+/0-9A-Za-z]{22}==$/.test(key);
  if (method !== 'GET' || hasBody || !isOne) throw new SightlineError('bad_upgrade');
}

/** The handshake is answered with an error; the session ends with it. */
function refuse(
  session: Session,
  upgrade: Upgrade,
  error: SightlineError,
  limits: FlowServices['limits'],
): void {
  const sink = handshakeSink(upgrade, limits, () => session.end(error.outcome, error));
  sendProblem(session.exchange, sink, error);
}
