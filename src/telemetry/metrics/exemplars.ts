/** The place of an exchange in its trace. */
export interface TraceIds {
  readonly traceId: string;
  readonly spanId: string;
  /** 1 where the trace is sampled: only then somebody can look at it. */
  readonly flags: number;
}

/** One measurement that stands for all of its bucket, and leads to the trace that it comes from. */
export interface Exemplar {
  readonly value: number;
  /** ms since the epoch. */
  readonly at: number;
  readonly trace: TraceIds;
}

/** In the order of the histogram's bounds; the last one is above them all. */
export type BucketExemplars = readonly (Exemplar | undefined)[];

/** Whether anybody looks at exemplars. Nothing is kept before: the first page that shows them has none yet. */
export class ExemplarDemand {
  #isThere = false;

  get isThere(): boolean {
    return this.#isThere;
  }

  /** From now on they are kept. */
  begin(): void {
    this.#isThere = true;
  }
}
