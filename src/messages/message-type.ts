import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ExchangeView } from '../exchange/view.ts';
import type { JsonObject } from '../wire/json.ts';

// biome-ignore lint/suspicious/noConfusingVoidType: "return nothing" is the usual answer of a validator.
type Nothing = void | undefined;
type Sooner<T> = T | Promise<T>;

/** What a validator finds wrong: the field by its path (`options.to`), and what was expected there. */
export interface MessageProblem {
  readonly field: string;
  readonly reason: string;
}

/** What a handler gets beside its message. */
export interface MessageContext {
  /** The session: its request, its upstream, state under keys of one's own. */
  readonly session: ExchangeView;
  /** `stream`: our own protocol at `/stream`; `proxied`: a session with an upstream, as the client sent it. */
  readonly kind: 'stream' | 'proxied';
  /** Aborted when the session ends, or the handler's deadline is over. */
  readonly signal: AbortSignal;
  /** Another message to the client, at any time; lost where the session has ended. */
  send(message: JsonObject): void;
}

/**
 * A named, validated message of clients on WebSockets: the unit of protocol extension. A message of this type is
 * checked by the schema and then by the validators, in order; what is wrong is answered with an `error` message
 * that names field and reason, and the session goes on.
 */
export interface MessageType<Schema extends StandardSchemaV1 = StandardSchemaV1> {
  /** The message's field `type`: lower case letters, digits, dots, hyphens and underscores. */
  readonly type: string;
  /** zod, or any other Standard Schema; for the whole message, `type` and `id` included. */
  readonly schema: Schema;
  readonly validators?: readonly ((
    message: StandardSchemaV1.InferOutput<Schema>,
    context: MessageContext,
  ) => Sooner<MessageProblem | Nothing>)[];
  /**
   * Has a deadline. What it returns goes on in the message's place, as if the client had sent it: another message
   * changes it, null drops it (answer with `context.send` before), nothing passes it on as it is. What goes on
   * goes the standard way: to the upstream of a proxied session, to the built-in types at `/stream`.
   */
  handle(
    message: StandardSchemaV1.InferOutput<Schema>,
    context: MessageContext,
  ): Sooner<JsonObject | null | Nothing>;
}

/** Types the handler by the schema; what it returns is registered with `context.registerMessageType`. */
export function defineMessageType<Schema extends StandardSchemaV1>(
  definition: MessageType<Schema>,
): MessageType<Schema> {
  return Object.freeze({ ...definition });
}
