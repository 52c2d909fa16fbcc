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
  /**
   * Aborted when the session ends, or when the handler has missed its deadline. A listener on it is kept until then:
   * take it off where the handler is done before.
   */
  readonly signal: AbortSignal;
  /**
   * Another message to the client, at any time, also when the handler has answered; lost where the session has
   * ended, or the handler has missed its deadline. Throws where it is given something that is not JSON.
   */
  send(message: JsonObject): void;
}

/**
 * A named, validated message of clients on WebSockets: the unit of protocol extension. A message of this type is
 * checked by the schema and then by the validators, in order; what is wrong is answered with an `error` message
 * that names field and reason, and the session goes on.
 *
 * Schema, validators and handler have one deadline for each message, `middlewareTimeoutMs`. What throws, misses
 * it or gives back something else is answered with `message_failed`, and the session goes on; a `SightlineError`
 * keeps its code, so `new SightlineError('blocked', …)` refuses a message. A plugin's type that fails again and
 * again is not called for a while: its messages are answered with `breaker_open`.
 *
 * A plugin's type is there for messages that come while the plugin is active, also on sessions that began
 * before. A message is handled to its end by the version that it began with, which is cleaned up afterwards.
 */
export interface MessageType<Schema extends StandardSchemaV1 = StandardSchemaV1> {
  /**
   * The message's field `type`: lower case letters, digits, dots, hyphens and underscores, 64 characters at
   * most. Nobody else may have it; those of the stream protocol itself are taken.
   */
  readonly type: string;
  /** The sessions where it is one: `stream`, `proxied`. Elsewhere it is any message. Default: on both. */
  readonly on?: MessageContext['kind'];
  /** zod, or any other Standard Schema; for the whole message, `type` and `id` included. */
  readonly schema: Schema;
  /** They see what the schema gave. The first to find something wrong refuses the message. */
  readonly validators?: readonly ((
    message: StandardSchemaV1.InferOutput<Schema>,
    context: MessageContext,
  ) => Sooner<MessageProblem | Nothing>)[];
  /**
   * Gets what the schema gave. What it returns goes on in the message's place, as if the client had sent it:
   * another message changes it, null drops it (answer with `context.send` before), nothing passes it on as it
   * came. What goes on goes the standard way, and through no other message type: to the upstream of a proxied
   * session, to the built-in types at `/stream`. Those do not know a message that is passed on there: its client gets
   * `unknown_type`, unless the handler has sent something.
   */
  handle(
    message: StandardSchemaV1.InferOutput<Schema>,
    context: MessageContext,
  ): Sooner<JsonObject | null | Nothing>;
}

/** Types validators and handler by the schema; what it returns is registered with `context.registerMessageType`. */
export function defineMessageType<Schema extends StandardSchemaV1>(
  definition: MessageType<Schema>,
): MessageType {
  // They are never given anything but what this very schema gave: nobody else need know its type.
  return Object.freeze({ ...definition }) as unknown as MessageType;
}
