import type { Attributes, Meter } from '@opentelemetry/api';
import { SeriesTree } from './series-tree.ts';

/**
 * The same meter, with at most so many series of each instrument that is added to or recorded in. The SDK's own bound
 * counts anew after each collection, so that a metric has as many series more with every one (sdk-metrics 3.1,
 * `DeltaMetricProcessor`); of what is observed it holds.
 */
export function boundedMeter(meter: Meter, seriesMax: number): Meter {
  const trees = new Map<string, SeriesTree<Attributes>>();
  /** Who makes an instrument again, as a plugin does that is reloaded, goes on with its series. */
  const boundsOf = (instrument: string) => {
    const known = trees.get(instrument);
    const tree = known ?? new SeriesTree(seriesMax, (attributes) => attributes);
    if (!known) trees.set(instrument, tree);
    return (attributes: Attributes = {}) => tree.find(attributes);
  };
  const bounded: Pick<Meter, 'createCounter' | 'createUpDownCounter' | 'createHistogram' | 'createGauge'> = {
    createCounter(name, options) {
      const counter = meter.createCounter(name, options);
      const bound = boundsOf(name);
      return { add: (value, attributes, context) => counter.add(value, bound(attributes), context) };
    },
    createUpDownCounter(name, options) {
      const counter = meter.createUpDownCounter(name, options);
      const bound = boundsOf(name);
      return { add: (value, attributes, context) => counter.add(value, bound(attributes), context) };
    },
    createHistogram(name, options) {
      const histogram = meter.createHistogram(name, options);
      const bound = boundsOf(name);
      return { record: (value, attributes, context) => histogram.record(value, bound(attributes), context) };
    },
    createGauge(name, options) {
      const gauge = meter.createGauge(name, options);
      const bound = boundsOf(name);
      return { record: (value, attributes, context) => gauge.record(value, bound(attributes), context) };
    },
  };
  return Object.assign(Object.create(meter), bounded) as Meter;
}
