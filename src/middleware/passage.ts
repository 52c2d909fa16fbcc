import type { SightlineError } from '../errors.ts';
import type { Chunk } from '../exchange/chunk.ts';
import { isThenable, withDeadline } from '../exchange/deadline.ts';
import type { Exchange, MiddlewarePhase } from '../exchange/exchange.ts';
import { Query } from '../exchange/query.ts';
import { Reply } from '../exchange/reply.ts';
import { ChunkPassage } from './chunk-passage.ts';
import { middlewareError } from './middleware-error.ts';
import { beginRun, passOver, survive } from './middleware-run.ts';
import type { MiddlewareStack, StackEntry } from './stack.ts';

/** A middleware has failed and declares that the exchange goes on without it. */
const passedOver = Symbol('passed over');

/**
 * One exchange's way through the middleware stack. It remembers who was entered and is not left yet, so
 * that each of them is left exactly once.
 */
export class Passage {
  readonly #stack: MiddlewareStack;
  readonly #exchange: Exchange;
  /** Entered and not left, outermost first. */
  readonly #entered: StackEntry[] = [];
  /** The exchange goes no further: nobody else is entered. */
  #hasFailed = false;
  #chunkPassage: ChunkPassage | undefined;
  /** Settles when nothing runs; never rejects. */
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(stack: MiddlewareStack, exchange: Exchange) {
    this.#stack = stack;
    this.#exchange = exchange;
  }

  /** Somebody wants to see the events of a stream. */
  get changesChunks(): boolean {
    return this.#entered.some(({ middleware }) => middleware.onChunk);
  }

  /** Somebody wants to see whole replies. */
  get readsReplies(): boolean {
    return this.#entered.some(({ middleware }) => middleware.afterResponse);
  }

  /** In order. The first reply ends it: the upstream is not asked. Rejects with a `SightlineError`. */
  beforeQuery(query: Query): Promise<Query | Reply> {
    return this.#noted(this.#enter(query));
  }

  /**
   * Enters everybody without a query, where the reply comes unasked: a turn that the upstream began itself, or
   * what it says between two turns. Throws a `SightlineError`.
   */
  enterUnasked(): void {
    for (const entry of this.#stack.list) {
      if (entry.breaker?.isOpen && passOver(entry)) continue;
      this.#entered.push(entry);
    }
  }

  /** In reverse order. Synchronous: a stream waits for nobody. Throws a `SightlineError`. */
  onChunk(chunk: Chunk): readonly Chunk[] {
    let chunks: readonly Chunk[] = [chunk];
    for (let i = this.#entered.length - 1; i >= 0; i -= 1) {
      chunks = this.#chunks.through(this.#entered[i] as StackEntry, chunks);
    }
    return chunks;
  }

  /**
   * In reverse order; each one here is left. A reply that is a stream held in memory goes through `onChunk`
   * as well. Rejects with a `SightlineError`; the rest are still entered. Where the client has the reply
   * already, a failure is reported instead: it changes nothing.
   */
  afterResponse(reply: Reply): Promise<Reply> {
    return this.#noted(this.#leave(reply));
  }

  /**
   * In reverse order, until one answers; those further out are still entered, for its reply. One that fails
   * itself is reported and passed over: the first error is the one that tells. What runs now comes first. Never
   * rejects.
   */
  onError(error: SightlineError): Promise<Reply | undefined> {
    this.#hasFailed = true;
    return this.#noted(this.#underWay.then(() => this.#leaveFailed(error)));
  }

  /**
   * Leaves whoever is still entered, where the exchange has ended and no reply can go to the client any
   * more. What runs now comes first: the order is kept. Never rejects.
   */
  abandon(error: SightlineError): Promise<void> {
    this.#hasFailed = true;
    return this.#noted(this.#leaveRest(error));
  }

  /**
   * Resolves when nobody runs, and nobody is still to be told of the end: each callback has answered or
   * missed its deadline. Ask when the exchange has ended; never rejects.
   */
  async left(): Promise<void> {
    let seen: unknown;
    do {
      seen = this.#underWay;
      await seen;
    } while (seen !== this.#underWay);
  }

  /** Most exchanges have none that anybody reads. */
  get #chunks(): ChunkPassage {
    this.#chunkPassage ??= new ChunkPassage(this.#stack, this.#exchange);
    return this.#chunkPassage;
  }

  #noted<T>(running: Promise<T>): Promise<T> {
    this.#underWay = Promise.allSettled([this.#underWay, running]);
    return running;
  }

  async #enter(query: Query): Promise<Query | Reply> {
    let current = query;
    for (const entry of this.#stack.list) {
      if (this.#hasFailed || this.#exchange.hasEnded) return current;
      const { middleware, breaker } = entry;
      const { beforeQuery } = middleware;
      // Before the upstream is asked: one that has only a way out would otherwise fail what was paid for.
      if (breaker?.isOpen && passOver(entry)) continue;
      let answer: Query | Reply | undefined;
      if (beforeQuery) {
        if (breaker && !breaker.allows() && passOver(entry)) continue;
        const call = () => beforeQuery.call(middleware, current, this.#exchange.view);
        const given = await this.#run(entry, 'before_query', call, isQueryOrReply);
        if (given === passedOver) continue;
        answer = given;
      }
      this.#entered.push(entry);
      if (answer instanceof Reply) return answer;
      current = answer ?? current;
    }
    return current;
  }

  async #leave(reply: Reply): Promise<Reply> {
    let current = reply;
    for (let entry = this.#entered.at(-1); entry; entry = this.#entered.at(-1)) {
      // Those that are left over learn by `abandon` what has become of it.
      if (this.#exchange.hasEnded) break;
      if (current.chunks && entry.middleware.onChunk) {
        current = current.with({ chunks: this.#chunks.whole(entry, current.chunks) });
      }
      this.#entered.pop();
      current = (await this.#afterResponse(entry, current)) ?? current;
    }
    return current;
  }

  async #afterResponse(entry: StackEntry, reply: Reply): Promise<Reply | undefined> {
    const { middleware, breaker } = entry;
    const { afterResponse } = middleware;
    if (!afterResponse) return undefined;
    if (breaker && !breaker.allows() && (reply.isSent || passOver(entry))) return undefined;
    try {
      const call = () => afterResponse.call(middleware, reply, this.#exchange.view);
      const answer = await this.#run(entry, 'after_response', call, isReply);
      return answer === passedOver || reply.isSent ? undefined : answer;
    } catch (thrown) {
      if (!reply.isSent) throw thrown;
      this.#stack.report(entry.name, middlewareError(entry, thrown));
      return undefined;
    }
  }

  async #leaveRest(error: SightlineError): Promise<void> {
    await this.#underWay;
    while (this.#entered.length > 0) await this.#leaveFailed(error);
  }

  async #leaveFailed(error: SightlineError): Promise<Reply | undefined> {
    for (let entry = this.#entered.pop(); entry; entry = this.#entered.pop()) {
      const { middleware, breaker } = entry;
      try {
        const { onError } = middleware;
        if (!onError || (breaker && !breaker.allows())) continue;
        const call = () => onError.call(middleware, error, this.#exchange.view);
        const answer = await this.#run(entry, 'on_error', call, isReply);
        if (answer instanceof Reply) return answer;
      } catch (failure) {
        this.#stack.report(entry.name, middlewareError(entry, failure));
      }
    }
    return undefined;
  }

  /** Runs one callback to its end, notes its time, and gives its failures a name. */
  async #run<T>(
    entry: StackEntry,
    phase: Exclude<MiddlewarePhase, 'on_chunk'>,
    callback: () => unknown,
    isExpected: (answer: unknown) => answer is T,
  ): Promise<T | undefined | typeof passedOver> {
    const run = beginRun(this.#exchange, entry, phase, true);
    try {
      const returned = callback();
      const answer = isThenable(returned) ? await withDeadline(returned, this.#stack.timeoutMs) : returned;
      const isNothing = answer === undefined || answer === null;
      if (!isNothing && !isExpected(answer)) throw new TypeError(expected[phase]);
      entry.breaker?.succeeded(phase);
      return isNothing ? undefined : answer;
    } catch (thrown) {
      survive(this.#stack, entry, run, thrown);
      return passedOver;
    } finally {
      run.durationMs = performance.now() - run.startedAt;
      run.isUnderWay = false;
    }
  }
}

const expected = {
  before_query: 'beforeQuery must return a Query, a Reply or nothing',
  after_response: 'afterResponse must return a Reply or nothing',
  on_error: 'onError must return a Reply or nothing',
} as const;

function isReply(answer: unknown): answer is Reply {
  return answer instanceof Reply;
}

function isQueryOrReply(answer: unknown): answer is Query | Reply {
  return answer instanceof Query || answer instanceof Reply;
}
