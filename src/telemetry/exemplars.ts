import type { Attributes, AttributeValue } from '@opentelemetry/api';

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
export type BucketExemplars = (Exemplar | undefined)[];

export interface ExemplarSeries {
  readonly attributes: Attributes;
  readonly buckets: BucketExemplars;
}

interface HistogramRow {
  readonly name: string;
  /** Upper bounds, rising. */
  readonly buckets: readonly number[];
}

/**
 * The newest exemplar of each bucket of each series of our histograms, beside the SDK, which has none. Nothing
 * is kept before somebody has asked for a page that shows them: the first such page has none yet.
 */
export class ExemplarStore {
  readonly #seriesMax: number;
  readonly #histograms = new Map<string, SeriesTree>();
  #isWanted = false;

  /** @param seriesMax Series of one histogram, as many as the SDK keeps points of it. */
  constructor(seriesMax: number) {
    this.#seriesMax = seriesMax;
  }

  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** From now on they are kept. */
  want(): void {
    this.#isWanted = true;
  }

  /** Returns false where there was no room for one. */
  record(
    { name, buckets }: HistogramRow,
    value: number,
    attributes: Attributes,
    trace: TraceIds | undefined,
  ): boolean {
    if (!this.#isWanted || trace === undefined || (trace.flags & 1) === 0) return true;
    let tree = this.#histograms.get(name);
    if (!tree) {
      tree = new SeriesTree(this.#seriesMax);
      this.#histograms.set(name, tree);
    }
    const series = tree.find(attributes, buckets.length + 1);
    if (!series) return false;
    series.buckets[bucketOf(buckets, value)] = { value, at: Date.now(), trace };
    return true;
  }

  /** What is kept of one histogram, by its OpenTelemetry name. */
  of(name: string): readonly ExemplarSeries[] {
    return this.#histograms.get(name)?.series ?? [];
  }
}

interface Node {
  readonly next: Map<string, Map<AttributeValue | undefined, Node>>;
  series: ExemplarSeries | undefined;
}

/**
 * Series by their attributes, which are followed one after the other, in the order in which our own code always
 * puts them. One text made of all of them, to look that up, costs twice as much, and is garbage afterwards.
 */
class SeriesTree {
  readonly series: ExemplarSeries[] = [];
  readonly #root = newNode();
  readonly #seriesMax: number;

  constructor(seriesMax: number) {
    this.#seriesMax = seriesMax;
  }

  /** The series, made where it is not there yet; undefined where there is no room for it. */
  find(attributes: Attributes, buckets: number): ExemplarSeries | undefined {
    let node = this.#root;
    for (const key in attributes) {
      const child = this.#step(node, key, attributes[key]);
      if (!child) return undefined;
      node = child;
    }
    if (!node.series && this.#hasRoom) {
      node.series = { attributes, buckets: new Array<Exemplar | undefined>(buckets).fill(undefined) };
      this.series.push(node.series);
    }
    return node.series;
  }

  #step(node: Node, key: string, value: AttributeValue | undefined): Node | undefined {
    const known = node.next.get(key)?.get(value);
    if (known || !this.#hasRoom) return known;
    const made = newNode();
    const byValue = node.next.get(key);
    if (byValue) byValue.set(value, made);
    else node.next.set(key, new Map([[value, made]]));
    return made;
  }

  get #hasRoom(): boolean {
    return this.series.length < this.#seriesMax;
  }
}

function newNode(): Node {
  return { next: new Map(), series: undefined };
}

/** Each bound belongs to the bucket below it. */
function bucketOf(bounds: readonly number[], value: number): number {
  let i = 0;
  while (i < bounds.length && value > (bounds[i] as number)) i += 1;
  return i;
}
