import type {
  BatchObservableCallback,
  Meter,
  MetricOptions,
  Observable,
  ObservableCallback,
} from '@opentelemetry/api';

/** A meter whose observable callbacks can all be taken away: the SDK would call and hold them for ever. */
export interface RemovableMeter {
  readonly meter: Meter;
  /** Idempotent. */
  removeCallbacks(): void;
}

export function createRemovableMeter(inner: Meter): RemovableMeter {
  const removers: (() => void)[] = [];
  let isRemoved = false;
  const watched = <T extends Observable>(instrument: T): T => {
    const callbacks = new Set<ObservableCallback>();
    removers.push(() => {
      for (const callback of callbacks) instrument.removeCallback(callback);
    });
    // The SDK's instruments are classes: the members that are not changed stay on the prototype.
    return Object.assign(Object.create(instrument) as T, {
      addCallback(callback: ObservableCallback) {
        // Code that runs on after its version was let go of: the SDK would hold it for ever.
        if (isRemoved) return;
        instrument.addCallback(callback);
        callbacks.add(callback);
      },
      removeCallback(callback: ObservableCallback) {
        instrument.removeCallback(callback);
        callbacks.delete(callback);
      },
    });
  };
  const originals = new Map<Observable, Observable>();
  const observable = <T extends Observable>(instrument: T): T => {
    const wrapped = watched(instrument);
    originals.set(wrapped, instrument);
    return wrapped;
  };
  const originalsOf = (instruments: Observable[]) => instruments.map((one) => originals.get(one) ?? one);
  const meter: Meter = {
    createGauge: (name: string, options?: MetricOptions) => inner.createGauge(name, options),
    createHistogram: (name: string, options?: MetricOptions) => inner.createHistogram(name, options),
    createCounter: (name: string, options?: MetricOptions) => inner.createCounter(name, options),
    createUpDownCounter: (name: string, options?: MetricOptions) => inner.createUpDownCounter(name, options),
    createObservableGauge: (name: string, options?: MetricOptions) =>
      observable(inner.createObservableGauge(name, options)),
    createObservableCounter: (name: string, options?: MetricOptions) =>
      observable(inner.createObservableCounter(name, options)),
    createObservableUpDownCounter: (name: string, options?: MetricOptions) =>
      observable(inner.createObservableUpDownCounter(name, options)),
    addBatchObservableCallback(callback: BatchObservableCallback, instruments: Observable[]) {
      if (isRemoved) return;
      const own = originalsOf(instruments);
      const translated: BatchObservableCallback = (result) =>
        callback({
          observe: (instrument, value, attributes) =>
            result.observe(originals.get(instrument) ?? instrument, value, attributes),
        });
      inner.addBatchObservableCallback(translated, own);
      removers.push(() => inner.removeBatchObservableCallback(translated, own));
    },
    removeBatchObservableCallback() {
      throw new TypeError('A batch callback of a plugin stays until the plugin is unloaded.');
    },
  };
  return {
    meter,
    removeCallbacks() {
      isRemoved = true;
      for (const remove of removers) remove();
      removers.length = 0;
      originals.clear();
    },
  };
}
