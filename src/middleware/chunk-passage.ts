import { Chunk } from '../exchange/chunk.ts';
import { isThenable } from '../exchange/deadline.ts';
import type { Exchange, MiddlewareRun } from '../exchange/exchange.ts';
import { beginRun, passOver, survive } from './middleware-run.ts';
import type { MiddlewareStack, StackEntry } from './stack.ts';

/** The end of a stream whose last event somebody took out: it has no bytes. */
const endMark = new Chunk({ event: '', data: '' }, undefined, true);

/** The events of one exchange's stream on their way through `onChunk`. Every call may throw a `SightlineError`. */
export class ChunkPassage {
  readonly #stack: MiddlewareStack;
  readonly #exchange: Exchange;
  /** All calls on one exchange are noted as one run. */
  readonly #runs = new Map<StackEntry, MiddlewareRun>();

  constructor(stack: MiddlewareStack, exchange: Exchange) {
    this.#stack = stack;
    this.#exchange = exchange;
  }

  /** A stream that is here as a whole, through one middleware. */
  whole(entry: StackEntry, chunks: readonly Chunk[]): readonly Chunk[] {
    const last = chunks.at(-1);
    if (!last || last.isFinal) return this.through(entry, chunks);
    return this.through(entry, [...chunks.slice(0, -1), new Chunk(last, last.bytes, true)]);
  }

  /** What came of one event, through one middleware. */
  through(entry: StackEntry, chunks: readonly Chunk[]): readonly Chunk[] {
    const { middleware, breaker } = entry;
    if (!middleware.onChunk) return chunks;
    const out: Chunk[] = [];
    const run = this.#run(entry);
    const begun = performance.now();
    try {
      for (const chunk of chunks) {
        if (breaker && !breaker.allows() && passOver(entry)) out.push(chunk);
        else this.#call(entry, run, chunk, out);
      }
    } finally {
      run.durationMs += performance.now() - begun;
    }
    // Those further out may hold text back until the last event, whatever became of it here.
    if (chunks.at(-1)?.isFinal && !out.at(-1)?.isFinal) out.push(endMark);
    return out;
  }

  #call(entry: StackEntry, run: MiddlewareRun, chunk: Chunk, out: Chunk[]): void {
    run.calls += 1;
    try {
      const answer: unknown = entry.middleware.onChunk?.(chunk, this.#exchange.view);
      if (answer === undefined) out.push(chunk);
      else if (answer instanceof Chunk) out.push(answer);
      else if (isChunks(answer)) for (const one of answer) out.push(one);
      else if (answer !== null) throw unexpected(answer);
      entry.breaker?.succeeded('on_chunk');
    } catch (thrown) {
      survive(this.#stack, entry, run, thrown);
      out.push(chunk);
    }
  }

  #run(entry: StackEntry): MiddlewareRun {
    const known = this.#runs.get(entry);
    if (known) return known;
    const run = beginRun(this.#exchange, entry, 'on_chunk', false);
    this.#runs.set(entry, run);
    return run;
  }
}

function isChunks(answer: unknown): answer is readonly Chunk[] {
  return Array.isArray(answer) && answer.every((one) => one instanceof Chunk);
}

function unexpected(answer: unknown): TypeError {
  if (!isThenable(answer))
    return new TypeError('onChunk must return a Chunk, a list of them, null or nothing');
  // What becomes of it reaches nobody.
  answer.then(undefined, () => undefined);
  return new TypeError('onChunk must answer at once: a stream waits for nobody');
}
