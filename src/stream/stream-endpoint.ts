import { SightlineError } from '../errors.ts';
import type { Session, Upgrade } from '../session/session.ts';
import type { Upstream } from '../upstreams/upstream.ts';

export interface StreamEndpointOptions {
  /** The one for a path, with the path below its prefix; undefined where none is configured. */
  readonly route: (path: string) => { readonly upstream: Upstream; readonly prefix: string } | undefined;
}

/** The stream protocol's side of the data plane. */
export class StreamEndpoint {
  readonly options: StreamEndpointOptions;

  constructor(options: StreamEndpointOptions) {
    this.options = options;
  }

  /** Answers the handshake, and runs the session to its end. */
  accept(session: Session, upgrade: Upgrade): void {
    upgrade.socket.destroy();
    session.end('failed', new SightlineError('internal'));
  }
}
