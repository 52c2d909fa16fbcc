import type { Usage } from './facts.ts';
import type { Outcome } from './outcome.ts';

export type Peer = 'client' | 'upstream';

/** What has come from one side of a session. Control frames count as frames, and as no messages. */
export interface Received {
  frames: number;
  messages: number;
  /** On the wire: headers of frames included, compressed where it came so. */
  bytes: number;
}

/** How a session's connection ended. */
export interface SessionClose {
  readonly by: Peer | 'sightline';
  /** Of RFC 6455 §7.4; 1005: a close frame without one, 1006: no close frame at all. */
  readonly code: number;
  readonly reason: string;
}

/**
 * What happened on a WebSocket session, from its upgrade to its close: noted while it runs, turned into
 * telemetry when it has ended.
 */
export class SessionFacts {
  /** Name of the dialect, `stream` for our own protocol, `unknown` where nobody understands it. */
  readonly protocol: string;
  /** `sec-websocket-protocol`, as agreed. */
  subprotocol: string | undefined;
  /** In our own protocol we are in the place of an upstream: what we send is counted as its. */
  readonly received: Readonly<Record<Peer, Received>> = {
    client: { frames: 0, messages: 0, bytes: 0 },
    upstream: { frames: 0, messages: 0, bytes: 0 },
  };
  /** Turns, or queries of the stream protocol, that have begun. */
  turns = 0;
  /** Of those that have ended. */
  readonly outcomes: Partial<Record<Outcome, number>> = {};
  /** The sum over the turns that have ended. */
  readonly usage: Usage = {};
  /** Turns that nobody told apart: there were too many at once. */
  turnsDropped = 0;
  /** Messages that were refused, each with an error to the client. */
  refused = 0;
  /** Messages of the upstream that went nowhere: the rest of turns that had failed here. */
  swallowed = 0;
  close: SessionClose | undefined;

  constructor(protocol: string) {
    this.protocol = protocol;
  }

  /** A turn has ended: it is counted once, and its tokens with it. */
  noteTurn(outcome: Outcome, usage: Readonly<Usage> | undefined): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
    for (const key in usage) {
      const name = key as keyof Usage;
      this.usage[name] = (this.usage[name] ?? 0) + (usage[name] ?? 0);
    }
  }
}
