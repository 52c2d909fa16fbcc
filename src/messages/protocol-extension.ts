import type { SightlineError } from '../errors.ts';
import type { Breaker } from '../exchange/breaker.ts';
import type { Owner } from '../exchange/owner.ts';
import type { ExchangeView } from '../exchange/view.ts';
import type { Lease } from '../flow/lease.ts';
import { defaultLimits } from '../limits.ts';
import type { JsonObject } from '../wire/json.ts';
import { HandlerRun } from './handler-run.ts';
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
  /** By a copy of what the handler returned, as JSON has it. */
  | { readonly kind: 'changed'; readonly message: JsonObject }
  | { readonly kind: 'dropped' }
  /**
   * It goes nowhere, and the client is told: `message_invalid` with field and reason (no field where it is the
   * whole message), `message_failed`, `breaker_open`, or a refusal of the handler's own, such as `blocked`.
   */
  | {
      readonly kind: 'refused';
      readonly error: SightlineError;
      readonly field?: string | undefined;
      readonly reason?: string | undefined;
    };

/** A message that a handler has seen, or that did not get as far. */
export interface HandledMessage {
  readonly type: string;
  readonly owner: Owner | undefined;
  readonly result: MessageResult['kind'];
  /** Of schema, validators and handler together. */
  readonly durationMs: number;
  /** Where it was refused. */
  readonly error: SightlineError | undefined;
}

export interface ExtensionOptions {
  /** Deadline of schema, validators and handler of one message together, ms. Default: that of middleware. */
  readonly timeoutMs?: number | undefined;
  /** Held while a message is handled, until the handler has answered or missed its deadline. */
  readonly lease?: Lease | undefined;
  /** Told of each message of a type that is here, and on which session it came. What it throws reaches nobody. */
  readonly onHandled?: ((handled: HandledMessage, session: ExchangeView) => void) | undefined;
}

/** The message types of one generation. It never changes: another set is another extension. */
export class ProtocolExtension {
  readonly #types: ReadonlyMap<string, MessageEntry>;
  readonly #timeoutMs: number;
  readonly #lease: Lease | undefined;
  readonly #onHandled: ExtensionOptions['onHandled'];

  /** Throws where two are of the same type. */
  constructor(entries: readonly MessageEntry[], options: ExtensionOptions = {}) {
    const types = new Map<string, MessageEntry>();
    for (const entry of entries) {
      const { type } = entry.messageType;
      if (types.has(type))
        throw new TypeError(`Two message types are named '${type}'; names must be unique.`);
      types.set(type, entry);
    }
    this.#types = types;
    this.#timeoutMs = options.timeoutMs ?? defaultLimits.middlewareTimeoutMs;
    this.#lease = options.lease;
    this.#onHandled = options.onHandled;
  }

  /** Nobody need look at messages where there are none. */
  get size(): number {
    return this.#types.size;
  }

  /** Is a message of this type one for us, on a session of this kind? */
  has(type: string, kind: MessageContext['kind']): boolean {
    const entry = this.#types.get(type);
    return entry !== undefined && (entry.messageType.on ?? kind) === kind;
  }

  /**
   * Runs schema, validators and handler of the message's type; messages of other types are passed. The message is
   * frozen. Never rejects. Ask the extension of now for each message: an older one may have been cleaned up.
   */
  async handle(type: string, message: JsonObject, context: MessageContext): Promise<MessageResult> {
    const entry = this.has(type, context.kind) ? this.#types.get(type) : undefined;
    if (!entry) return { kind: 'passed' };
    this.#lease?.acquire();
    try {
      const run = new HandlerRun(entry, context, this.#timeoutMs);
      const result = await run.take(message);
      this.#report(entry, context, result, run.durationMs);
      return result;
    } finally {
      this.#lease?.release();
    }
  }

  #report(
    { messageType: { type }, owner }: MessageEntry,
    { session }: MessageContext,
    result: MessageResult,
    durationMs: number,
  ): void {
    if (!this.#onHandled) return;
    const error = result.kind === 'refused' ? result.error : undefined;
    try {
      this.#onHandled({ type, owner, result: result.kind, durationMs, error }, session);
    } catch {
      // Nobody is left to tell.
    }
  }
}
