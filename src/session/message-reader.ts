import type { SessionDialect } from '../dialects/session-dialect.ts';
import type { UpstreamIdentity } from '../exchange/attempt.ts';
import type { Session } from './session.ts';
import type { SessionControl, SessionReader } from './session-reader.ts';

export interface MessageReaderOptions {
  readonly session: Session;
  /** Undefined where nobody understands the messages: then only message types and hooks look at them. */
  readonly dialect: SessionDialect | undefined;
  readonly upstream: UpstreamIdentity;
  readonly control: SessionControl;
}

/** Turns, middleware, hooks and message types of a proxied session. */
export function createMessageReader(_options: MessageReaderOptions): SessionReader {
  return { plan: () => 'pass', seen: () => undefined, take: () => [], end: () => undefined, openTurns: 0 };
}
