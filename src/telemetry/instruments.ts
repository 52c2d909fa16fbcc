import type { Counter, Histogram, Meter, UpDownCounter } from '@opentelemetry/api';
import { metric } from './names.ts';

type Instrument<Kind> = Kind extends 'histogram'
  ? Histogram
  : Kind extends 'counter'
    ? Counter
    : UpDownCounter;

/** One instrument for each row of the table, under the row's key. */
export type Instruments = { readonly [K in keyof typeof metric]: Instrument<(typeof metric)[K]['kind']> };

export function createInstruments(meter: Meter): Instruments {
  const made = Object.entries(metric).map(([key, row]) => {
    const options = { unit: row.unit, description: row.description };
    if (row.kind === 'counter') return [key, meter.createCounter(row.name, options)];
    if (row.kind === 'up_down_counter') return [key, meter.createUpDownCounter(row.name, options)];
    const advice = { explicitBucketBoundaries: row.buckets };
    return [key, meter.createHistogram(row.name, { ...options, advice })];
  });
  return Object.fromEntries(made) as Instruments;
}
