import type { Attributes, AttributeValue } from '@opentelemetry/api';

/** Of the one series that stands for all that found no room, as the SDK has it. */
export const overflow: Attributes = Object.freeze({ 'otel.metric.overflow': true });

interface Node<Series> {
  readonly next: Map<string, Map<AttributeValue | undefined, Node<Series>>>;
  series: Series | undefined;
}

/**
 * The series of one metric by their attributes, at most so many. Attributes are followed one after the other, in the
 * order in which they were put; the same ones in another order are another series. One text made of all of them, to
 * look that up, costs several times as much, and is garbage afterwards.
 */
export class SeriesTree<Series> {
  readonly all: Series[] = [];
  readonly #root: Node<Series> = newNode();
  readonly #seriesMax: number;
  readonly #make: (attributes: Attributes) => Series;
  #overflow: Series | undefined;

  /** @param make A series of these attributes, which stay as they are. */
  constructor(seriesMax: number, make: (attributes: Attributes) => Series) {
    this.#seriesMax = seriesMax;
    this.#make = make;
  }

  /** The series of these attributes, made where it is not there yet; where there is no room, the one for all such. */
  find(attributes: Attributes): Series {
    let node = this.#root;
    for (const key in attributes) {
      const child = this.#step(node, key, attributes[key]);
      if (!child) return this.#ofTheRest();
      node = child;
    }
    if (!node.series) {
      if (!this.#hasRoom) return this.#ofTheRest();
      node.series = this.#add({ ...attributes });
    }
    return node.series;
  }

  #step(node: Node<Series>, key: string, value: AttributeValue | undefined): Node<Series> | undefined {
    // Two lists that say the same are not the same.
    const known = typeof value === 'object' ? JSON.stringify(value) : value;
    let byValue = node.next.get(key);
    const child = byValue?.get(known);
    if (child || !this.#hasRoom) return child;
    if (!byValue) {
      byValue = new Map();
      node.next.set(key, byValue);
    }
    const made = newNode<Series>();
    byValue.set(known, made);
    return made;
  }

  /** One place is for the rest. */
  get #hasRoom(): boolean {
    return this.all.length < this.#seriesMax - 1;
  }

  #ofTheRest(): Series {
    this.#overflow ??= this.#add(overflow);
    return this.#overflow;
  }

  #add(attributes: Attributes): Series {
    const series = this.#make(attributes);
    this.all.push(series);
    return series;
  }
}

function newNode<Series>(): Node<Series> {
  return { next: new Map(), series: undefined };
}
