import type { SightlineError } from '../errors.ts';
import { Chunk } from '../exchange/chunk.ts';
import { isThenable, withDeadline } from '../exchange/deadline.ts';
import type { Exchange, MiddlewarePhase, MiddlewareRun } from '../exchange/exchange.ts';
import { Query } from '../exchange/query.ts';
import { Reply } from '../exchange/reply.ts';
import type { Middleware } from './middleware.ts';
import { middlewareError } from './middleware-error.ts';
import type { MiddlewareStack } from './stack.ts';

/** A middleware has failed and declares that the exchange goes on without it. */
const passedOver = Symbol('passed over');

/** The end of a stream whose last event somebody took out: it has no bytes. */
const endMark = new Chunk({ event: '', data: '' }, undefined, true);

/**
 * One exchange's way through the middleware stack. It remembers who was entered and is not left yet, so
 * that each of them is left exactly once.
 */
export class Passage {
  readonly #stack: MiddlewareStack;
  readonly #exchange: Exchange;
  /** Entered and not left, outermost first. */
  readonly #entered: Middleware[] = [];
  readonly #chunkRuns = new Map<Middleware, MiddlewareRun>();
  /** Settles when nothing runs; never rejects. */
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(stack: MiddlewareStack, exchange: Exchange) {
    this.#stack = stack;
    this.#exchange = exchange;
  }

  /** Somebody wants to see the events of a stream. */
  get changesChunks(): boolean {
    return this.#entered.some((middleware) => middleware.onChunk);
  }

  /** Somebody wants to see whole replies. */
  get readsReplies(): boolean {
    return this.#entered.some((middleware) => middleware.afterResponse);
  }

  /** In order. The first reply ends it: the upstream is not asked. Rejects with a `SightlineError`. */
  beforeQuery(query: Query): Promise<Query | Reply> {
    return this.#noted(this.#enter(query));
  }

  /** In reverse order. Synchronous: a stream waits for nobody. Throws a `SightlineError`. */
  onChunk(chunk: Chunk): readonly Chunk[] {
    let chunks: readonly Chunk[] = [chunk];
    for (let i = this.#entered.length - 1; i >= 0; i -= 1) {
      chunks = this.#chunksThrough(this.#entered[i] as Middleware, chunks);
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
   * itself is reported and passed over: the first error is the one that tells.
   */
  onError(error: SightlineError): Promise<Reply | undefined> {
    return this.#noted(this.#leaveFailed(error));
  }

  /**
   * Leaves whoever is still entered, where the exchange has ended and no reply can go to the client any
   * more. What runs now comes first: the order is kept.
   */
  async abandon(error: SightlineError): Promise<void> {
    await this.#underWay;
    while (this.#entered.length > 0) await this.#leaveFailed(error);
  }

  #noted<T>(running: Promise<T>): Promise<T> {
    this.#underWay = Promise.allSettled([this.#underWay, running]);
    return running;
  }

  async #enter(query: Query): Promise<Query | Reply> {
    let current = query;
    for (const middleware of this.#stack.list) {
      if (this.#exchange.hasEnded) return current;
      const { beforeQuery } = middleware;
      let answer: Query | Reply | undefined;
      if (beforeQuery) {
        const call = () => beforeQuery.call(middleware, current, this.#exchange.view);
        const given = await this.#run(middleware, 'before_query', call, isQueryOrReply);
        if (given === passedOver) continue;
        answer = given;
      }
      this.#entered.push(middleware);
      if (answer instanceof Reply) return answer;
      current = answer ?? current;
    }
    return current;
  }

  async #leave(reply: Reply): Promise<Reply> {
    let current = reply;
    for (let middleware = this.#entered.at(-1); middleware; middleware = this.#entered.at(-1)) {
      // Those that are left over learn by `abandon` what has become of it.
      if (this.#exchange.hasEnded) break;
      if (current.chunks && middleware.onChunk) {
        current = current.with({ chunks: this.#streamThrough(middleware, current.chunks) });
      }
      this.#entered.pop();
      current = (await this.#afterResponse(middleware, current)) ?? current;
    }
    return current;
  }

  async #afterResponse(middleware: Middleware, reply: Reply): Promise<Reply | undefined> {
    const { afterResponse } = middleware;
    if (!afterResponse) return undefined;
    try {
      const call = () => afterResponse.call(middleware, reply, this.#exchange.view);
      const answer = await this.#run(middleware, 'after_response', call, isReply);
      return answer === passedOver ? undefined : answer;
    } catch (thrown) {
      if (!reply.isSent) throw thrown;
      this.#stack.report(middleware.name, middlewareError(middleware.name, thrown));
      return undefined;
    }
  }

  async #leaveFailed(error: SightlineError): Promise<Reply | undefined> {
    for (let middleware = this.#entered.pop(); middleware; middleware = this.#entered.pop()) {
      const { onError } = middleware;
      if (!onError) continue;
      try {
        const call = () => onError.call(middleware, error, this.#exchange.view);
        const answer = await this.#run(middleware, 'on_error', call, isReply);
        if (answer instanceof Reply) return answer;
      } catch (failure) {
        this.#stack.report(middleware.name, middlewareError(middleware.name, failure));
      }
    }
    return undefined;
  }

  /** A stream that is here as a whole, through one middleware. */
  #streamThrough(middleware: Middleware, chunks: readonly Chunk[]): readonly Chunk[] {
    const last = chunks.at(-1);
    if (!last || last.isFinal) return this.#chunksThrough(middleware, chunks);
    return this.#chunksThrough(middleware, [...chunks.slice(0, -1), new Chunk(last, last.bytes, true)]);
  }

  #chunksThrough(middleware: Middleware, chunks: readonly Chunk[]): readonly Chunk[] {
    if (!middleware.onChunk) return chunks;
    const out: Chunk[] = [];
    const run = this.#chunkRun(middleware);
    const begun = performance.now();
    try {
      for (const chunk of chunks) {
        run.calls += 1;
        this.#chunkThrough(middleware, run, chunk, out);
      }
    } finally {
      run.durationMs += performance.now() - begun;
    }
    // Those further out may hold text back until the last event, whatever became of it here.
    if (chunks.at(-1)?.isFinal && !out.at(-1)?.isFinal) out.push(endMark);
    return out;
  }

  #chunkThrough(middleware: Middleware, run: MiddlewareRun, chunk: Chunk, out: Chunk[]): void {
    try {
      const answer: unknown = middleware.onChunk?.(chunk, this.#exchange.view);
      if (answer === undefined) out.push(chunk);
      else if (answer instanceof Chunk) out.push(answer);
      else if (isChunks(answer)) for (const one of answer) out.push(one);
      else if (answer !== null) throw unexpectedChunk(answer);
    } catch (thrown) {
      this.#survive(middleware, run, thrown);
      out.push(chunk);
    }
  }

  /** All calls on one exchange are noted as one run. */
  #chunkRun(middleware: Middleware): MiddlewareRun {
    const known = this.#chunkRuns.get(middleware);
    if (known) return known;
    const run = newRun(middleware, 'on_chunk', 0);
    this.#chunkRuns.set(middleware, run);
    this.#exchange.noteRun(run);
    return run;
  }

  /** Runs one callback to its end, notes its time, and gives its failures a name. */
  async #run<T>(
    middleware: Middleware,
    phase: Exclude<MiddlewarePhase, 'on_chunk'>,
    callback: () => unknown,
    isExpected: (answer: unknown) => answer is T,
  ): Promise<T | undefined | typeof passedOver> {
    const run = newRun(middleware, phase, 1);
    run.isUnderWay = true;
    this.#exchange.noteRun(run);
    try {
      const returned = callback();
      const answer = isThenable(returned) ? await withDeadline(returned, this.#stack.timeoutMs) : returned;
      if (answer === undefined || answer === null) return undefined;
      if (!isExpected(answer)) throw new TypeError(expected[phase]);
      return answer;
    } catch (thrown) {
      this.#survive(middleware, run, thrown);
      return passedOver;
    } finally {
      run.durationMs = performance.now() - run.startedAt;
      run.isUnderWay = false;
    }
  }

  /** Throws, unless the middleware declares that the exchange goes on without it. A refusal is no failure. */
  #survive(middleware: Middleware, run: MiddlewareRun, thrown: unknown): void {
    const error = middlewareError(middleware.name, thrown);
    run.error = error;
    if (middleware.onFailure !== 'continue' || error.code === 'blocked') throw error;
    this.#stack.report(middleware.name, error);
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

function isChunks(answer: unknown): answer is readonly Chunk[] {
  return Array.isArray(answer) && answer.every((one) => one instanceof Chunk);
}

function unexpectedChunk(answer: unknown): TypeError {
  if (!isThenable(answer))
    return new TypeError('onChunk must return a Chunk, a list of them, null or nothing');
  // What becomes of it reaches nobody.
  answer.then(undefined, () => undefined);
  return new TypeError('onChunk must answer at once: a stream waits for nobody');
}

function newRun(middleware: Middleware, phase: MiddlewarePhase, calls: number): MiddlewareRun {
  return {
    middleware: middleware.name,
    phase,
    startedAt: performance.now(),
    durationMs: 0,
    calls,
    isUnderWay: false,
    error: undefined,
  };
}
