import { type Attributes, type Histogram, ValueType } from '@opentelemetry/api';
import { type InstrumentationScope, millisToHrTime } from '@opentelemetry/core';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type AggregationTemporalitySelector,
  DataPointType,
  type HistogramMetricData,
  InstrumentType,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import { ExemplarDemand } from './exemplars.ts';
import { HistogramSeries, type TracedPoint } from './histogram-series.ts';
import { SeriesTree } from './series-tree.ts';

interface HistogramRow {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  /** Upper bounds, rising. */
  readonly buckets: readonly number[];
}

/**
 * Our own histograms, for any reader of the SDK. The SDK's have no exemplars, and find a series by a text that they
 * make of its attributes with each value: of a stream with a thousand chunks that alone is more than a millisecond.
 * Here whoever has many values looks a series up once.
 */
export class Histograms {
  readonly exemplars = new ExemplarDemand();
  readonly #scope: InstrumentationScope;
  readonly #seriesMax: number;
  readonly #all: TracedHistogram[] = [];
  #deltaReaders = 0;

  constructor(scope: InstrumentationScope, seriesMax: number) {
    this.#scope = scope;
    this.#seriesMax = seriesMax;
  }

  create(row: HistogramRow): TracedHistogram {
    const make = (attributes: Attributes) =>
      new HistogramSeries(attributes, row.buckets, this.exemplars, this.#deltaReaders);
    const made = new TracedHistogram(row, new SeriesTree(this.#seriesMax, make));
    this.#all.push(made);
    return made;
  }

  /**
   * For one reader, which may want what is new since it looked last. To be asked for before anything is recorded.
   */
  producer(temporality?: AggregationTemporalitySelector): MetricProducer {
    const isDelta = temporality?.(InstrumentType.HISTOGRAM) === AggregationTemporality.DELTA;
    const reader = isDelta ? this.#deltaReaders++ : undefined;
    return {
      collect: async () => {
        const metrics = this.#all.map((one) => one.collect(reader)).filter(hasPoints);
        return {
          // Each reader puts its own resource in the place of this one.
          resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope: this.#scope, metrics }] },
          errors: [],
        };
      },
    };
  }
}

export class TracedHistogram implements Histogram {
  readonly #descriptor: HistogramMetricData['descriptor'];
  readonly #tree: SeriesTree<HistogramSeries>;

  constructor({ name, unit, description }: HistogramRow, tree: SeriesTree<HistogramSeries>) {
    this.#descriptor = { name, unit, description, valueType: ValueType.DOUBLE };
    this.#tree = tree;
  }

  /** Keys of the same attributes are to come in the same order. */
  series(attributes: Attributes): HistogramSeries {
    return this.#tree.find(attributes);
  }

  record(value: number, attributes: Attributes = {}): void {
    this.series(attributes).record(value);
  }

  /** @param deltaReader Who wants what is new; all since the beginning where there is none. */
  collect(deltaReader: number | undefined): HistogramMetricData {
    const endTime = millisToHrTime(Date.now());
    const dataPoints: TracedPoint[] = [];
    for (const series of this.#tree.all) {
      const point = deltaReader === undefined ? series.total(endTime) : series.take(deltaReader, endTime);
      if (point) dataPoints.push(point);
    }
    return {
      descriptor: this.#descriptor,
      dataPointType: DataPointType.HISTOGRAM,
      aggregationTemporality:
        deltaReader === undefined ? AggregationTemporality.CUMULATIVE : AggregationTemporality.DELTA,
      dataPoints,
    };
  }
}

function hasPoints({ dataPoints }: HistogramMetricData): boolean {
  return dataPoints.length > 0;
}
