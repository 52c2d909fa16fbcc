import type { SightlineError } from '../errors.ts';
import type { Breaker } from '../exchange/breaker.ts';
import type { Owner } from '../exchange/owner.ts';
import type { JsonObject } from '../wire/json.ts';
import type { MessageContext, MessageType } from './message-type.ts';

/** A message type in its place. */
export interface MessageEntry {
  readonly messageType: MessageType;
  /** The plugin that brought it; none where the embedding program did. */
  readonly owner?: Owner | undefined;
  readonly breaker?: Breaker | undefined;
}

/** What became of a message. */
export type MessageResult =
  /** It goes on as it came. */
  | { readonly kind: 'passed' }
  | { readonly kind: 'changed'; readonly message: JsonObject }
  | { readonly kind: 'dropped' }
  /** `message_invalid`, with field and reason, or `message_failed`; it goes nowhere, and the client is told. */
  | {
      readonly kind: 'refused';
      readonly error: SightlineError;
      readonly field?: string | undefined;
      readonly reason?: string | undefined;
    };

/** The message types of one generation. It never changes: another set is another extension. */
export class ProtocolExtension {
  readonly #types: ReadonlyMap<string, MessageEntry>;

  /** Throws where two are of the same type. */
  constructor(entries: readonly MessageEntry[]) {
    const types = new Map<string, MessageEntry>();
    for (const entry of entries) {
      const { type } = entry.messageType;
      if (types.has(type))
        throw new TypeError(`Two message types are named '${type}'; names must be unique.`);
      types.set(type, entry);
    }
    this.#types = types;
  }

  /** Nobody need look at messages where there are none. */
  get size(): number {
    return this.#types.size;
  }

  has(type: string): boolean {
    return this.#types.has(type);
  }

  /** Runs the handler of the message's type. Never rejects. */
  async handle(type: string, _message: JsonObject, _context: MessageContext): Promise<MessageResult> {
    if (!this.#types.has(type)) return { kind: 'passed' };
    throw new Error('not built yet');
  }
}
