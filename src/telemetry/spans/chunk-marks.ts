import type { Attempt } from '../../exchange/attempt.ts';
import { type Clock, epochMs } from '../../exchange/clock.ts';
import type { Limits } from '../../limits.ts';

/** When events with output of the model came. */
export interface ChunkMarks {
  /** How many there were. */
  readonly count: number;
  /** ms since the epoch, rising. Of many, some: evenly chosen, the first and the last among them. */
  readonly times: readonly number[];
}

/** Of a stream, so far; undefined of what is none, and before its first event with output. One pass over the gaps. */
export function chunkMarks(clock: Clock, attempt: Attempt, marksMax: number): ChunkMarks | undefined {
  const { streamed, firstOutputAt, chunkGapsMs, outputChunks } = attempt;
  if (!streamed || firstOutputAt === undefined) return undefined;
  const gaps = chunkGapsMs.length;
  const marks = Math.min(gaps + 1, marksMax);
  let at = epochMs(clock, firstOutputAt);
  let gone = 0;
  const times = [at];
  while (times.length < marks) {
    const next = Math.round((times.length * gaps) / (marks - 1));
    for (; gone < next; gone += 1) at += chunkGapsMs[gone] ?? 0;
    times.push(at);
  }
  return { count: outputChunks, times };
}

interface MarkedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly marks: ChunkMarks;
}

/** The marks of the streams that ended last, by the span of each. A ring: see `RecentExchanges`. */
export class MarkedStreams {
  readonly #max: number;
  readonly #marksMax: number;
  #spans: MarkedSpan[] = [];
  #added = 0;

  constructor(limits: Pick<Limits, 'markedStreamsMax' | 'chunkMarksMax'>) {
    this.#max = limits.markedStreamsMax;
    this.#marksMax = limits.chunkMarksMax;
  }

  add({ traceId, spanId }: { traceId: string; spanId: string }, clock: Clock, attempt: Attempt): void {
    const marks = this.soFar(clock, attempt);
    if (!marks) return;
    this.#spans[this.#added % this.#max] = { traceId, spanId, marks };
    this.#added += 1;
  }

  soFar(clock: Clock, attempt: Attempt): ChunkMarks | undefined {
    return chunkMarks(clock, attempt, this.#marksMax);
  }

  /** By the ids of its spans. */
  ofTrace(traceId: string): Map<string, ChunkMarks> {
    const found = this.#spans.filter((span) => span.traceId === traceId);
    return new Map(found.map(({ spanId, marks }) => [spanId, marks]));
  }

  clear(): void {
    this.#spans = [];
    this.#added = 0;
  }
}
