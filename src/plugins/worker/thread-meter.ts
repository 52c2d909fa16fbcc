import type { Attributes, Meter, MetricOptions } from '@opentelemetry/api';
import { isAttributeValue } from './attribute-value.ts';
import type { Outbox } from './outbox.ts';
import type { FromThread, InstrumentKind } from './protocol.ts';

/** The service keeps each one as long as the plugin lives. */
const instrumentsMax = 1_000;

/**
 * A meter whose instruments record in the service. Those that are asked for their values are not to be had:
 * a reader of metrics does not wait for a thread.
 */
export function createThreadMeter(outbox: Outbox, post: (message: FromThread) => void): Meter {
  /** By kind and name: who asks for one in every callback gets the same. */
  const known = new Map<string, number>();
  const instrument = (create: InstrumentKind, name: string, options: MetricOptions | undefined) => {
    const key = `${create} ${name}`;
    const id = known.get(key) ?? known.size;
    if (!known.has(key)) {
      if (known.size === instrumentsMax) throw tooMany(name);
      post({ kind: 'instrument', instrument: id, create, name, options });
      known.set(key, id);
    }
    return (value: number, attributes?: Attributes) => {
      // As the instruments of the service do it.
      if (typeof value !== 'number') return;
      outbox.record({ instrument: id, value, attributes: attributes && plainAttributes(attributes) });
    };
  };
  return {
    createCounter: (name, options) => ({ add: instrument('createCounter', name, options) }),
    createUpDownCounter: (name, options) => ({ add: instrument('createUpDownCounter', name, options) }),
    createHistogram: (name, options) => ({ record: instrument('createHistogram', name, options) }),
    createGauge: (name, options) => ({ record: instrument('createGauge', name, options) }),
    createObservableCounter: () => refuse('createObservableCounter', 'createCounter'),
    createObservableUpDownCounter: () => refuse('createObservableUpDownCounter', 'createUpDownCounter'),
    createObservableGauge: () => refuse('createObservableGauge', 'createGauge'),
    addBatchObservableCallback: () => refuse('addBatchObservableCallback', 'createGauge'),
    removeBatchObservableCallback: () => undefined,
  };
}

function plainAttributes(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => isAttributeValue(value)));
}

function tooMany(name: string): RangeError {
  return new RangeError(
    `'${name}' would be instrument ${instrumentsMax + 1} of this worker. What differs from exchange to exchange is an attribute, not a part of the name.`,
  );
}

function refuse(what: string, instead: string): never {
  throw new TypeError(
    `${what} is not to be had in a worker: a reader of metrics does not wait for a thread. Use ${instead} and record when something happens, or run without isolation.`,
  );
}
