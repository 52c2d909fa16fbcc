import type {
  Counter,
  Meter,
  MetricOptions,
  ObservableCounter,
  ObservableGauge,
  ObservableUpDownCounter,
  UpDownCounter,
} from '@opentelemetry/api';
import { metric } from '../names.ts';
import type { Histograms, TracedHistogram } from './histograms.ts';

type Instrument<Row extends { readonly kind: string }> = Row extends { readonly isObserved: true }
  ? Row['kind'] extends 'gauge'
    ? ObservableGauge
    : Row['kind'] extends 'counter'
      ? ObservableCounter
      : ObservableUpDownCounter
  : Row['kind'] extends 'histogram'
    ? TracedHistogram
    : Row['kind'] extends 'counter'
      ? Counter
      : UpDownCounter;

/** One instrument for each row of the table, under the row's key. */
export type Instruments = { readonly [K in keyof typeof metric]: Instrument<(typeof metric)[K]> };

/** @param meter Of all but the histograms. */
export function createInstruments(meter: Meter, histograms: Histograms): Instruments {
  const made = Object.entries(metric).map(([key, row]) => {
    const options = { unit: row.unit, description: row.description };
    if ('isObserved' in row) return [key, createObserved(meter, row, options)];
    if (row.kind === 'counter') return [key, meter.createCounter(row.name, options)];
    if (row.kind === 'up_down_counter') return [key, meter.createUpDownCounter(row.name, options)];
    return [key, histograms.create(row)];
  });
  return Object.fromEntries(made) as Instruments;
}

function createObserved(
  meter: Meter,
  { name, kind }: { name: string; kind: string },
  options: MetricOptions,
) {
  if (kind === 'gauge') return meter.createObservableGauge(name, options);
  if (kind === 'counter') return meter.createObservableCounter(name, options);
  return meter.createObservableUpDownCounter(name, options);
}
