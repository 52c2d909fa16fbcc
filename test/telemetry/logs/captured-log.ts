import { Writable } from 'node:stream';
import { attribute, lineKey, logEvent } from '../../../src/telemetry/names.ts';

export type LogRecord = Readonly<Record<string, unknown>>;

/** In the place of standard output: keeps what is written, and can be as slow as a reader that reads nothing. */
export class CapturedLog extends Writable {
  readonly isTTY: boolean;
  text = '';
  /** How many times something was written. */
  writes = 0;
  #isBlocked = false;
  #held: (() => void) | undefined;

  constructor({ isTTY = false }: { isTTY?: boolean } = {}) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
  }

  /** Nothing is taken any more, until `letGo`. */
  block(): void {
    this.#isBlocked = true;
  }

  letGo(): void {
    this.#isBlocked = false;
    this.#held?.();
    this.#held = undefined;
  }

  /** Every line, each of which has to be JSON. */
  get records(): LogRecord[] {
    const lines = this.text.split('\n');
    if (lines.pop() !== '') throw new Error('the last line has no end');
    return lines.map((line) => JSON.parse(line) as LogRecord);
  }

  /** Those of exchanges. */
  get exchanges(): LogRecord[] {
    return this.records.filter((record) => record[lineKey.event] === logEvent.exchange);
  }

  /** Those of one exchange. */
  of(id: string): LogRecord[] {
    return this.exchanges.filter((record) => record[attribute.exchangeId] === id);
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    const take = () => {
      this.text += chunk;
      this.writes += 1;
      done();
    };
    if (this.#isBlocked) this.#held = take;
    else take();
  }
}
