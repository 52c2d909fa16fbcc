import { type Attributes, type Histogram, type HrTime, ValueType } from '@opentelemetry/api';
import { AggregationTemporality, DataPointType, type HistogramMetricData } from '@opentelemetry/sdk-metrics';
import type { ExemplarDemand } from './exemplars.ts';
import { HistogramSeries } from './histogram-series.ts';
import { SeriesTree } from './series-tree.ts';

export interface HistogramRow {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  /** Upper bounds, rising. */
  readonly buckets: readonly number[];
}

export class RecordedHistogram implements Histogram {
  readonly #descriptor: HistogramMetricData['descriptor'];
  readonly #tree: SeriesTree<HistogramSeries>;

  constructor(
    { name, unit, description, buckets }: HistogramRow,
    seriesMax: number,
    exemplars: ExemplarDemand,
    deltaReaders: number,
  ) {
    this.#descriptor = { name, unit, description, valueType: ValueType.DOUBLE };
    this.#tree = new SeriesTree(
      seriesMax,
      (attributes) => new HistogramSeries(attributes, buckets, exemplars, deltaReaders),
    );
  }

  /** Keys of the same attributes are to come in the same order. */
  series(attributes: Attributes): HistogramSeries {
    return this.#tree.find(attributes);
  }

  record(value: number, attributes: Attributes = {}): void {
    this.series(attributes).record(value);
  }

  /** @param deltaReader Who wants what is new; all since the beginning where there is none. */
  collect(endTime: HrTime, deltaReader: number | undefined): HistogramMetricData {
    const isDelta = deltaReader !== undefined;
    return {
      descriptor: this.#descriptor,
      dataPointType: DataPointType.HISTOGRAM,
      aggregationTemporality: isDelta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
      dataPoints: this.#tree.all
        .map((series) => (isDelta ? series.take(deltaReader, endTime) : series.total(endTime)))
        .filter((point) => point !== undefined),
    };
  }
}
