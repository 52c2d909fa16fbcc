import type { SightlineError } from '../errors.ts';
import type { Chunk } from '../exchange/chunk.ts';
import type { Query } from '../exchange/query.ts';
import type { Reply } from '../exchange/reply.ts';
import type { ExchangeView } from '../exchange/view.ts';

// biome-ignore lint/suspicious/noConfusingVoidType: "return nothing" is the usual answer of a middleware.
type Nothing = void | undefined;
type Sooner<T> = T | Promise<T>;

/**
 * Changes exchanges; the same contract for every dialect, for streams and whole replies, for HTTP and
 * WebSocket. All four callbacks are optional.
 *
 * A middleware is *entered* when its turn on the way in has passed without an error, also where it has no
 * `beforeQuery`. Whatever was entered is left exactly once, in reverse order: by `afterResponse` where a
 * reply comes, by `onError` where none does, or where it broke off or the client hung up.
 *
 * What throws, misses its deadline or gives back something else fails the exchange closed
 * (`middleware_failed`), unless the middleware declares `onFailure: 'continue'`: then the exchange goes on
 * without that answer, and one that failed on the way in is not entered. To refuse an exchange, throw
 * `new SightlineError('blocked', …)`.
 *
 * A plugin's middleware that fails again and again is kept from exchanges for a while: they fail closed
 * (`breaker_open`) before the upstream is asked, or go on without it where it declares `continue`. An error
 * that it throws on purpose, with an outcome other than `failed`, is an answer and no failure.
 */
export interface Middleware {
  readonly name: string;
  /** Default `fail`. */
  readonly onFailure?: 'fail' | 'continue';

  /**
   * Another query changes it, a reply answers it (the upstream is never asked), nothing leaves it. The reply
   * may be a stream (`Reply.events`): its events take the way of all others.
   */
  beforeQuery?(query: Query, exchange: ExchangeView): Sooner<Query | Reply | Nothing>;

  /**
   * Each event of a streamed reply, in order: another one changes it, a list splits it, null drops it,
   * nothing leaves it. It answers at once: a stream waits for nobody. The last one has `isFinal`; whoever
   * holds text back gives it out then. Having this callback makes the service parse and re-serialize
   * streams.
   */
  onChunk?(chunk: Chunk, exchange: ExchangeView): Chunk | Chunk[] | null | Nothing;

  /**
   * A whole reply, with its payload where a dialect understands it; having this callback makes the service
   * hold and parse it. A streamed reply comes here when its last event has gone to the client
   * (`reply.isSent`), to be noted, no longer to be changed: a failure then is only reported.
   */
  afterResponse?(reply: Reply, exchange: ExchangeView): Sooner<Reply | Nothing>;

  /**
   * The exchange has failed. The first one to return a reply has handled it, and those further out see
   * that reply in `afterResponse`. Where the reply has begun or the client has gone, what is returned
   * reaches nobody.
   */
  onError?(error: SightlineError, exchange: ExchangeView): Sooner<Reply | Nothing>;
}
