/** What a label value becomes that is not to be told apart. */
export const other = 'other';

/**
 * Bounds what a label may say. Each value of a label multiplies the series of a metric, and clients can
 * invent as many as they like.
 */
export class LabelBounds {
  readonly #valuesMax: number;
  readonly #charsMax: number;
  readonly #known = new Map<string, Set<string>>();

  constructor(valuesMax: number, charsMax = Number.POSITIVE_INFINITY) {
    this.#valuesMax = valuesMax;
    this.#charsMax = charsMax;
  }

  /** The value, or `other` when it is too long, or the label has as many values as it may. */
  bound(label: string, value: string): string {
    let values = this.#known.get(label);
    if (!values) {
      values = new Set();
      this.#known.set(label, values);
    }
    if (values.has(value)) return value;
    if (values.size >= this.#valuesMax || value.length > this.#charsMax) return other;
    values.add(value);
    return value;
  }

  /** The value only if `bound` has let it pass before, else `other`: for names that nobody confirmed. */
  known(label: string, value: string): string {
    return this.#known.get(label)?.has(value) ? value : other;
  }
}
