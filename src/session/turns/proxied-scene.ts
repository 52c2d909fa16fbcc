import type { SessionDialect } from '../../dialects/session-dialect.ts';
import type { UpstreamIdentity } from '../../exchange/attempt.ts';
import type { Limits } from '../../limits.ts';
import type { Session } from '../session.ts';
import type { SessionControl } from '../session-reader.ts';

/** What everybody who understands messages of a proxied session works with. */
export interface ProxiedScene {
  readonly session: Session;
  /** Undefined where nobody understands the messages: then only message types and hooks look at them. */
  readonly dialect: SessionDialect | undefined;
  readonly upstream: UpstreamIdentity;
  readonly limits: Limits;
  readonly control: SessionControl;
}
