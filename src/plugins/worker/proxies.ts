import type { SightlineError } from '../../errors.ts';
import type { Query } from '../../exchange/query.ts';
import type { Reply } from '../../exchange/reply.ts';
import type { ExchangeView } from '../../exchange/view.ts';
import type { AttemptView, HookPoint } from '../../hooks/points.ts';
import type { Middleware } from '../../middleware/middleware.ts';
import { PluginProblem } from '../problem.ts';
import { plainError, plainProblem } from './plain-error.ts';
import { appliedAnswer, ownBytes, plainQuery, plainReply } from './plain-message.ts';
import type {
  CallArgument,
  MiddlewareCallback,
  PlainHook,
  PlainMiddleware,
  PlainPayload,
} from './protocol.ts';
import type { Thread } from './thread.ts';

/** The thread of now. Throws where there is none, or where it has too much to do already. */
export type ThreadOfNow = () => Thread;

/**
 * Stands in the middleware stack for a middleware that lives in a thread. A call waits for a thread that is
 * being started anew: those that had no part in the end of the last one are not to fail for it.
 */
export function middlewareProxy(
  threadOfNow: ThreadOfNow,
  whenStarted: () => Promise<void> | undefined,
  index: number,
  plain: PlainMiddleware,
): Middleware {
  const { name, onFailure, callbacks } = plain;
  const call = (
    callback: MiddlewareCallback,
    given: unknown,
    argument: CallArgument,
    view: ExchangeView,
  ): Promise<unknown> => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const target = { middleware: index, callback };
    const seat = threadOfNow().call(target, `${callback} of '${name}'`, argument, view, (error, answer) => {
      if (error) {
        reject(error);
        return;
      }
      if (callback === 'beforeQuery') seat?.entered.set(index, leaving);
      try {
        resolve(appliedAnswer(answer, given));
      } catch (thrown) {
        reject(thrown);
      }
    });
    if (callback !== 'beforeQuery') seat?.entered.delete(index);
    return promise;
  };
  const leaving = {
    afterResponse: callbacks.includes('afterResponse'),
    onError: callbacks.includes('onError'),
  };
  // What comes back is judged by the stack, as it is for any middleware.
  const proxies: Required<Pick<Middleware, MiddlewareCallback>> = {
    beforeQuery: async (query: Query, view) => {
      await whenStarted();
      return call('beforeQuery', query, { kind: 'query', query: plainQuery(query) }, view) as never;
    },
    afterResponse: async (reply: Reply, view) => {
      await whenStarted();
      return call('afterResponse', reply, { kind: 'reply', reply: plainReply(reply) }, view) as never;
    },
    onError: async (error: SightlineError, view) => {
      await whenStarted();
      return call('onError', undefined, { kind: 'error', error: plainError(error) }, view) as never;
    },
  };
  const own = Object.fromEntries(callbacks.map((callback) => [callback, proxies[callback]]));
  return Object.freeze({ name, ...(onFailure && { onFailure }), ...own });
}

/**
 * Stands in the hook system for a callback that lives in a thread. It tells the thread and goes on: hooks
 * that come after it are not to wait for a plugin that is not trusted to be quick. Where the thread cannot be
 * told it throws, so that the hook system counts it.
 */
export function hookProxy(
  threadOfNow: ThreadOfNow,
  index: number,
  { point }: PlainHook,
  onFailure: (point: HookPoint, error: Error) => void,
): (payload: never) => void {
  return (payload: Record<string, unknown>) => {
    const thread = threadOfNow();
    const { exchange, ...rest } = payload;
    const view = exchange as ExchangeView | undefined;
    const argument: CallArgument = { kind: 'hook', payload: plainPayload(rest) };
    thread.call({ hook: index }, `its hook at ${point}`, argument, view, (error) => {
      if (error) onFailure(point, error);
    });
  };
}

/** What is no plain data is told by its key in `hooks/points.ts`. */
function plainPayload({
  query,
  error,
  problem,
  attempt,
  bytes,
  ...plain
}: Record<string, unknown>): PlainPayload {
  return {
    ...plain,
    ...(query !== undefined && { query: plainQuery(query as Query) }),
    ...(error !== undefined && { error: plainError(error) }),
    ...(problem instanceof PluginProblem && { problem: plainProblem(problem) }),
    ...(attempt !== undefined && { attempt: plainAttempt(attempt as AttemptView) }),
    ...(bytes !== undefined && { bytes: ownBytes(bytes as Buffer) }),
  };
}

/** At the call site it is the attempt itself, with all that it keeps. */
function plainAttempt({ number, upstream, status, outcome, outputChunks, bytes }: AttemptView): AttemptView {
  return { number, upstream, status, outcome, outputChunks, bytes };
}
