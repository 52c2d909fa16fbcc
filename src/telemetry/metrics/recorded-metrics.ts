import { type InstrumentationScope, millisToHrTime } from '@opentelemetry/core';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type AggregationTemporalitySelector,
  InstrumentType,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import { ExemplarDemand } from './exemplars.ts';
import { type HistogramRow, RecordedHistogram } from './recorded-histogram.ts';
import { RecordedSum, type SumRow } from './recorded-sum.ts';

/**
 * What we record ourselves, for any reader of the SDK. The SDK's own instruments find a series by a text that they make
 * of its attributes with each value: of a stream with a thousand chunks that alone is more than a millisecond. Here the
 * attributes themselves lead there, whoever has many values looks a series up once, and histograms have exemplars.
 */
export class RecordedMetrics {
  readonly exemplars = new ExemplarDemand();
  readonly #scope: InstrumentationScope;
  readonly #seriesMax: number;
  readonly #all: (RecordedHistogram | RecordedSum)[] = [];
  #deltaReaders = 0;

  /** @param seriesMax Of each metric. */
  constructor(scope: InstrumentationScope, seriesMax: number) {
    this.#scope = scope;
    this.#seriesMax = seriesMax;
  }

  histogram(row: HistogramRow): RecordedHistogram {
    return this.#add(new RecordedHistogram(row, this.#seriesMax, this.exemplars, this.#deltaReaders));
  }

  sum(row: SumRow): RecordedSum {
    return this.#add(new RecordedSum(row, this.#seriesMax));
  }

  /**
   * For one reader, which may want what is new since it looked last: of counters as of histograms, as OTLP's
   * preferences have it. To be asked for before anything is recorded.
   */
  producer(temporality?: AggregationTemporalitySelector): MetricProducer {
    const isDelta = temporality?.(InstrumentType.HISTOGRAM) === AggregationTemporality.DELTA;
    const reader = isDelta ? this.#deltaReaders++ : undefined;
    return {
      collect: async () => {
        const endTime = millisToHrTime(Date.now());
        const metrics = this.#all.map((one) => one.collect(endTime, reader)).filter(hasPoints);
        return {
          // Each reader puts its own resource in the place of this one.
          resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope: this.#scope, metrics }] },
          errors: [],
        };
      },
    };
  }

  #add<Metric extends RecordedHistogram | RecordedSum>(metric: Metric): Metric {
    this.#all.push(metric);
    return metric;
  }
}

function hasPoints({ dataPoints }: MetricData): boolean {
  return dataPoints.length > 0;
}
