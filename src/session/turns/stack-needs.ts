import type { Breaker } from '../../exchange/breaker.ts';
import type { MiddlewareStack } from '../../middleware/stack.ts';

/** What the middleware of a stack wants of a session's messages. */
export interface StackNeeds {
  /** Somebody has a `beforeQuery`. */
  readonly queries: boolean;
  /** Somebody has an `afterResponse`, so it is told of every message that it was entered with. */
  readonly replies: boolean;
  /** Somebody has an `onChunk`. */
  readonly chunks: boolean;
  /** Of those that must not be skipped: while one is open, messages are refused before they go on. */
  readonly breakers: readonly Breaker[];
}

const known = new WeakMap<MiddlewareStack, StackNeeds>();

/** Asked at each message: a stack never changes, so it is worked out once. */
export function needsOf(stack: MiddlewareStack): StackNeeds {
  let needs = known.get(stack);
  if (!needs) {
    const { list } = stack;
    needs = {
      queries: list.some(({ middleware }) => middleware.beforeQuery),
      replies: list.some(({ middleware }) => middleware.afterResponse),
      chunks: list.some(({ middleware }) => middleware.onChunk),
      breakers: list.flatMap(({ middleware, breaker }) =>
        breaker && middleware.onFailure !== 'continue' ? [breaker] : [],
      ),
    };
    known.set(stack, needs);
  }
  return needs;
}

/** Somebody may change a message of the client, refuse it, or wants to be told of it. */
export function actsOnQueries({ queries, replies, breakers }: StackNeeds): boolean {
  return queries || replies || breakers.some((breaker) => breaker.isOpen);
}
