import {
  type Attributes,
  type Counter,
  type HrTime,
  type UpDownCounter,
  ValueType,
} from '@opentelemetry/api';
import { AggregationTemporality, DataPointType, type SumMetricData } from '@opentelemetry/sdk-metrics';
import { SeriesTree } from './series-tree.ts';
import { SumSeries } from './sum-series.ts';

export interface SumRow {
  readonly name: string;
  readonly kind: 'counter' | 'up_down_counter';
  readonly unit: string;
  readonly description: string;
}

export class RecordedSum implements Counter, UpDownCounter {
  readonly #descriptor: SumMetricData['descriptor'];
  readonly #isMonotonic: boolean;
  readonly #tree: SeriesTree<SumSeries>;

  constructor({ name, kind, unit, description }: SumRow, seriesMax: number) {
    this.#descriptor = { name, unit, description, valueType: ValueType.DOUBLE };
    this.#isMonotonic = kind === 'counter';
    this.#tree = new SeriesTree(seriesMax, (attributes) => new SumSeries(attributes));
  }

  /** @param attributes Keys of the same ones are to come in the same order. */
  add(value: number, attributes: Attributes = {}): void {
    // What is no number would spoil the sum for ever; the SDK's counters leave out what is below zero too.
    if (!(value >= (this.#isMonotonic ? 0 : Number.NEGATIVE_INFINITY))) return;
    this.#tree.find(attributes).add(value);
  }

  /** @param deltaReader Who wants what is new. Of what goes up and down, that would say nothing of where it stands. */
  collect(endTime: HrTime, deltaReader: number | undefined): SumMetricData {
    const isDelta = deltaReader !== undefined && this.#isMonotonic;
    return {
      descriptor: this.#descriptor,
      dataPointType: DataPointType.SUM,
      isMonotonic: this.#isMonotonic,
      aggregationTemporality: isDelta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
      dataPoints: this.#tree.all
        .map((series) => (isDelta ? series.take(deltaReader, endTime) : series.total(endTime)))
        .filter((point) => point !== undefined),
    };
  }
}
