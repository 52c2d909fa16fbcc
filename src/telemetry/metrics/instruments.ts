import type {
  Counter,
  Meter,
  ObservableCounter,
  ObservableGauge,
  ObservableUpDownCounter,
  UpDownCounter,
} from '@opentelemetry/api';
import { metric } from '../names.ts';
import type { RecordedHistogram } from './recorded-histogram.ts';
import type { RecordedMetrics } from './recorded-metrics.ts';

type Row = (typeof metric)[keyof typeof metric];
type ObservedRow = Extract<Row, { readonly isObserved: true }>;

type Instrument<One extends Row> = One extends ObservedRow
  ? One['kind'] extends 'gauge'
    ? ObservableGauge
    : One['kind'] extends 'counter'
      ? ObservableCounter
      : ObservableUpDownCounter
  : One['kind'] extends 'histogram'
    ? RecordedHistogram
    : One['kind'] extends 'counter'
      ? Counter
      : UpDownCounter;

/** One instrument for each row of the table, under the row's key. */
export type Instruments = { readonly [K in keyof typeof metric]: Instrument<(typeof metric)[K]> };

/** @param meter Of those that are observed. */
export function createInstruments(meter: Meter, recorded: RecordedMetrics): Instruments {
  const made = Object.entries<Row>(metric).map(([key, row]) => {
    if ('isObserved' in row) return [key, createObserved(meter, row)];
    return [key, row.kind === 'histogram' ? recorded.histogram(row) : recorded.sum(row)];
  });
  return Object.fromEntries(made) as Instruments;
}

function createObserved(meter: Meter, { name, kind, unit, description }: ObservedRow) {
  const options = { unit, description };
  if (kind === 'gauge') return meter.createObservableGauge(name, options);
  if (kind === 'counter') return meter.createObservableCounter(name, options);
  return meter.createObservableUpDownCounter(name, options);
}
