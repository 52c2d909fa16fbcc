import { isPromise } from 'node:util/types';
import { SightlineError } from '../errors.ts';
import type { Chunk } from '../exchange/chunk.ts';
import type { Exchange, MiddlewarePhase, MiddlewareRun } from '../exchange/exchange.ts';
import { Query } from '../exchange/query.ts';
import { Reply } from '../exchange/reply.ts';
import type { Middleware } from './middleware.ts';
import { type MiddlewareStack, middlewareError } from './stack.ts';

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
  async beforeQuery(query: Query): Promise<Query | Reply> {
    let current = query;
    for (const middleware of this.#stack.list) {
      if (this.#exchange.hasEnded) return current;
      let answer: Query | Reply | undefined;
      if (middleware.beforeQuery) {
        const running = this.#run(middleware, 'before_query', () =>
          middleware.beforeQuery?.(current, this.#exchange.view),
        );
        answer = (isPromise(running) ? await running : running) ?? undefined;
      }
      this.#entered.push(middleware);
      if (answer instanceof Reply) return answer;
      if (answer instanceof Query) current = answer;
      else if (answer !== undefined)
        throw unexpected(middleware, 'beforeQuery', 'a Query, a Reply or nothing');
    }
    return current;
  }

  /** In reverse order. Synchronous: a stream waits for nobody. Throws a `SightlineError`. */
  onChunk(chunk: Chunk): readonly Chunk[] {
    let chunks: readonly Chunk[] = [chunk];
    for (let i = this.#entered.length - 1; i >= 0; i -= 1) {
      const middleware = this.#entered[i] as Middleware;
      if (middleware.onChunk) chunks = this.#chunksThrough(middleware, chunks);
    }
    return chunks;
  }

  /** In reverse order; each one here is left. Rejects with a `SightlineError`; the rest are still entered. */
  async afterResponse(reply: Reply): Promise<Reply> {
    let current = reply;
    for (let middleware = this.#entered.pop(); middleware; middleware = this.#entered.pop()) {
      const { afterResponse } = middleware;
      if (!afterResponse) continue;
      const running = this.#run(middleware, 'after_response', () =>
        afterResponse.call(middleware, current, this.#exchange.view),
      );
      const answer = isPromise(running) ? await running : running;
      if (answer instanceof Reply) current = answer;
      else if (answer !== undefined) throw unexpected(middleware, 'afterResponse', 'a Reply or nothing');
    }
    return current;
  }

  /**
   * In reverse order, until one answers; those further out are still entered, for its reply. One that fails
   * itself is reported and passed over: the first error is the one that tells.
   */
  async onError(error: SightlineError): Promise<Reply | undefined> {
    for (let middleware = this.#entered.pop(); middleware; middleware = this.#entered.pop()) {
      const { onError } = middleware;
      if (!onError) continue;
      try {
        const running = this.#run(middleware, 'on_error', () =>
          onError.call(middleware, error, this.#exchange.view),
        );
        const answer = isPromise(running) ? await running : running;
        if (answer instanceof Reply) return answer;
      } catch (failure) {
        this.#stack.options.onFailure(middleware.name, middlewareError(middleware.name, failure));
      }
    }
    return undefined;
  }

  /** Leaves whoever is still entered, where no reply can go to the client any more. */
  async abandon(error: SightlineError): Promise<void> {
    while (this.#entered.length > 0) await this.onError(error);
  }

  #chunksThrough(middleware: Middleware, chunks: readonly Chunk[]): readonly Chunk[] {
    const out: Chunk[] = [];
    const run = this.#chunkRun(middleware);
    const begun = performance.now();
    for (const chunk of chunks) {
      run.calls += 1;
      try {
        const answer = middleware.onChunk?.(chunk, this.#exchange.view);
        if (answer === undefined) out.push(chunk);
        else if (Array.isArray(answer)) out.push(...answer);
        else if (answer !== null) out.push(answer);
      } catch (thrown) {
        this.#fail(middleware, run, thrown);
        out.push(chunk);
      }
    }
    run.durationMs += performance.now() - begun;
    return out;
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

  /** Runs one callback, notes its time, and gives its failures a name. */
  #run<T>(
    middleware: Middleware,
    phase: MiddlewarePhase,
    callback: () => T | Promise<T>,
  ): T | undefined | Promise<T | undefined> {
    const run = newRun(middleware, phase, 1);
    this.#exchange.noteRun(run);
    const done = () => {
      run.durationMs = performance.now() - run.startedAt;
    };
    try {
      const returned = callback();
      if (!isPromise(returned)) {
        done();
        return returned;
      }
      return this.#withDeadline(middleware, returned).then(
        (value) => {
          done();
          return value;
        },
        (thrown: unknown) => {
          done();
          this.#fail(middleware, run, thrown);
          return undefined;
        },
      );
    } catch (thrown) {
      done();
      this.#fail(middleware, run, thrown);
      return undefined;
    }
  }

  /** Throws, unless the middleware declares that the exchange goes on without it. A refusal is no failure. */
  #fail(middleware: Middleware, run: MiddlewareRun, thrown: unknown): void {
    const error = middlewareError(middleware.name, thrown);
    run.error = error;
    if (middleware.onFailure !== 'continue' || error.code === 'blocked') throw error;
    this.#stack.options.onFailure(middleware.name, error);
  }

  #withDeadline<T>(middleware: Middleware, running: Promise<T>): Promise<T> {
    const { timeoutMs } = this.#stack.options;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new SightlineError('middleware_failed', {
              message: `Middleware '${middleware.name}' gave no answer within ${timeoutMs} ms.`,
            }),
          ),
        timeoutMs,
      );
      running.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}

function newRun(middleware: Middleware, phase: MiddlewarePhase, calls: number): MiddlewareRun {
  return {
    middleware: middleware.name,
    phase,
    startedAt: performance.now(),
    durationMs: 0,
    calls,
    error: undefined,
  };
}

function unexpected(middleware: Middleware, callback: string, expected: string): SightlineError {
  return new SightlineError('middleware_failed', {
    message: `Middleware '${middleware.name}' failed.`,
    culprit: middleware.name,
    cause: new TypeError(`${callback} must return ${expected}`),
  });
}
