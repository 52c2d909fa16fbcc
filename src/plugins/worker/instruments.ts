import type { Meter } from '@opentelemetry/api';
import type { FromThread, Recording } from './protocol.ts';

type NewInstrument = FromThread & { kind: 'instrument' };

/** The instruments of one thread, where they really are: in the service, for its readers and exporters. */
export class Instruments {
  readonly #meter: Meter;
  readonly #record = new Map<number, (recording: Recording) => void>();

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  create({ instrument, create, name, options }: NewInstrument): void {
    this.#record.set(instrument, this.#recorderOf(create, name, options));
  }

  record(recordings: readonly Recording[]): void {
    for (const recording of recordings) this.#record.get(recording.instrument)?.(recording);
  }

  #recorderOf(
    create: NewInstrument['create'],
    name: string,
    options: NewInstrument['options'],
  ): (recording: Recording) => void {
    if (create === 'createCounter' || create === 'createUpDownCounter') {
      const counter = this.#meter[create](name, options);
      return ({ value, attributes }) => counter.add(value, attributes);
    }
    const recorder = this.#meter[create](name, options);
    return ({ value, attributes }) => recorder.record(value, attributes);
  }
}
