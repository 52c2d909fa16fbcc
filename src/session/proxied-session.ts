import type { Socket } from 'node:net';
import type { SessionDialect } from '../dialects/session-dialect.ts';
import type { Peer } from '../exchange/session-facts.ts';
import { endAttempt } from '../flow/moments.ts';
import type { ReplySink } from '../flow/reply-sink.ts';
import type { Limits } from '../limits.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { Extensions } from '../wire/websocket/frame-parser.ts';
import { Handshake } from './handshake/handshake.ts';
import { Relay } from './relay/relay.ts';
import type { Session, Upgrade } from './session.ts';
import { createMessageReader } from './turns/message-reader.ts';

export interface ProxiedRoute {
  readonly upstream: Upstream;
  /** Path and query string below the upstream's prefix. */
  readonly target: string;
  readonly dialect: SessionDialect | undefined;
  /** The client's side for an answer that is no WebSocket. */
  readonly answer: () => ReplySink;
}

/**
 * A session between a client and an upstream: its handshake is the upstream's, and the frames go through as they
 * came.
 */
export function runProxiedSession(session: Session, upgrade: Upgrade, route: ProxiedRoute): void {
  const { limits } = session.services;
  const handshake = new Handshake(session, upgrade, route, (sockets, extensions) =>
    startRelay(session, route, limits, sockets, extensions),
  );
  handshake.start();
}

/** In the place of the handshake: a session goes on for hours, and must not hold the plugins that it began with. */
function startRelay(
  session: Session,
  { upstream, dialect }: ProxiedRoute,
  clientLimits: Limits,
  sockets: Readonly<Record<Peer, Socket>>,
  extensions: Extensions,
): void {
  const { limits } = upstream;
  const identity = upstream.identity(dialect);
  const relay = new Relay({
    session,
    sockets,
    extensions,
    limits: { client: clientLimits, upstream: limits },
    createReader: (control) => createMessageReader({ session, dialect, upstream: identity, limits, control }),
    onOver: (outcome, error, at) => {
      const { attempt } = session.exchange;
      if (attempt) attempt.bytes = session.facts.received.upstream.bytes;
      endAttempt(session.services, session.exchange, outcome, error, at);
      session.end(outcome, error, at);
    },
  });
  session.run(relay);
  relay.start();
}
