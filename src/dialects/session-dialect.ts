import type { ReplyFacts } from '../exchange/facts.ts';
import type { JsonObject } from '../wire/json.ts';
import type { Dialect, EventMark } from './dialect.ts';

/** What a message of the client does to the turns of its session. */
export interface ClientMark {
  /** `query`: it asks for a turn. */
  readonly kind: 'query' | 'other';
  /** The client's own id of the message, by which an error names it. */
  readonly eventId: string | undefined;
}

/** What a message of the upstream does to them. */
export type UpstreamMark =
  /** A turn begins: the one that was asked for first and has not begun, or one that the upstream began itself. */
  | { readonly kind: 'begin'; readonly turn: string }
  /** It belongs to this turn; undefined: to the one that runs. */
  | { readonly kind: 'part'; readonly turn: string | undefined }
  /** The turn's last one. */
  | {
      readonly kind: 'end';
      readonly turn: string;
      readonly outcome: 'completed' | 'client_aborted' | 'upstream_error';
    }
  /** A message of the client was refused: by its id, or `undefined` where the upstream does not tell which. */
  | {
      readonly kind: 'refused';
      readonly eventId: string | undefined;
      readonly error: string;
      readonly isQuery: boolean;
      /** Because another turn runs there, which may not have said so yet. */
      readonly isBusy?: boolean;
    }
  | { readonly kind: 'other' };

/**
 * The meaning of a WebSocket protocol whose messages are JSON in text frames. A turn is an exchange: what asks
 * for it is its query, and the upstream's messages of that turn are the events of its reply. So it is a dialect
 * like any other, whose events are messages: `readQuery` reads a message that asks for a turn, `readMessage` one of
 * the upstream's (as `readEvent` does with `event: ''`, for who has not parsed it), and `mapQueryText` every message
 * of the client, also those that ask for no turn. `readReply` is for replies that a middleware gives in the place of
 * the upstream's.
 */
export interface SessionDialect extends Dialect {
  /** Never an HTTP request: `matches` says no, and this one tells of upgrades (path below the upstream's prefix). */
  matchesUpgrade(path: string): boolean;
  /** The model that the upgrade asks for, where it does. */
  upgradeModel(target: string): string | undefined;
  /** The model of the session, as a message of the upstream tells it: it answers turns that name no other. */
  readModel(payload: JsonObject): string | undefined;
  /** One message of a turn, parsed already. */
  readMessage(payload: JsonObject, facts: ReplyFacts): EventMark;
  /**
   * Nothing of this message is read, whoever sends it: told from its bytes, without parsing them, for audio of
   * megabytes. It must be sure of the whole message: false where it is not.
   */
  isOpaque(text: Buffer): boolean;
  clientMark(payload: JsonObject): ClientMark;
  upstreamMark(payload: JsonObject): UpstreamMark;
  /** The message that tells the upstream to stop a turn. */
  cancel(turn: string | undefined): JsonObject;
}
