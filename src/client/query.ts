import type { JsonObject, Reply, ReplyEvent } from './reply.ts';

/**
 * A query under way. It is two things:
 *
 * - a promise of the whole reply: `const reply = await query`;
 * - an iterable of its events as they come: `for await (const event of query)`, once. The server sends as fast as
 *   the events are taken; leaving the loop cancels the query. `await query` after the loop gives what came with
 *   the end: outcome, usage, model, finish reasons, trace id.
 *
 * Both fail with a `QueryError`. A reply with status 400 or above is a reply like any other to `await`, and an
 * error to the loop, which has no other way to show it.
 *
 * `T` is what the API answers with: the body of a whole reply, the data of an event. Nobody checks it.
 */
export interface Query<T = JsonObject, R = Reply<T>> extends Promise<R>, AsyncIterable<ReplyEvent<T>> {
  /** The id of its messages. */
  readonly id: number;
  /** It is no longer wanted: the server is told, and the query rejected with `client_aborted`. Idempotent. */
  cancel(reason?: unknown): void;
}
