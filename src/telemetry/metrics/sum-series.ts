import type { Attributes, HrTime } from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import type { DataPoint } from '@opentelemetry/sdk-metrics';

/** What was added with one set of attributes. */
export class SumSeries {
  readonly #attributes: Attributes;
  readonly #startTime = millisToHrTime(Date.now());
  #sum = 0;
  /** What was told each reader that wants what is new to it, and when. */
  readonly #told: { readonly sum: number; readonly at: HrTime }[] = [];

  constructor(attributes: Attributes) {
    this.#attributes = attributes;
  }

  add(value: number): void {
    this.#sum += value;
  }

  /** All since the beginning. */
  total(endTime: HrTime): DataPoint<number> {
    return { startTime: this.#startTime, endTime, attributes: this.#attributes, value: this.#sum };
  }

  /** What this reader has not taken yet: also that there is nothing so far, once. */
  take(deltaReader: number, endTime: HrTime): DataPoint<number> | undefined {
    const { sum, at } = this.#told[deltaReader] ?? { sum: undefined, at: this.#startTime };
    if (sum === this.#sum) return undefined;
    this.#told[deltaReader] = { sum: this.#sum, at: endTime };
    return { startTime: at, endTime, attributes: this.#attributes, value: this.#sum - (sum ?? 0) };
  }
}
