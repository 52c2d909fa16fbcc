import type { SessionDialect } from '../dialects/session-dialect.ts';
import { SightlineError } from '../errors.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { Session, Upgrade } from './session.ts';

export interface ProxiedRoute {
  readonly upstream: Upstream;
  /** Path and query string below the upstream's prefix. */
  readonly target: string;
  readonly dialect: SessionDialect | undefined;
}

/**
 * A session between a client and an upstream: its handshake is the upstream's, and the frames go through as they
 * came.
 */
export function runProxiedSession(session: Session, { socket }: Upgrade, _route: ProxiedRoute): void {
  socket.destroy();
  session.end('failed', new SightlineError('internal'));
}
