import type { PlainError } from './plain-error.ts';
import type { FromThread, LogLevel, Recording } from './protocol.ts';

type LogRecord = FromThread & { kind: 'log' };

/** Messages under way that the service has not confirmed: it must not drown in what a loop says. */
const creditMax = 256;
/** Log records that wait for credit; what comes beyond is dropped and counted. */
const recordsMax = 1_000;
/** Recordings that wait, in all. */
const recordingsMax = 10_000;

/**
 * What a plugin in a worker tells beside its answers: log records, one by one and at once, so that the last
 * words before a hang are heard; recordings of its instruments in batches.
 */
export class Outbox {
  readonly #post: (message: FromThread) => void;
  readonly #records: LogRecord[] = [];
  #recordings: Recording[] = [];
  #credit = creditMax;
  #dropped = 0;
  #flush: NodeJS.Immediate | undefined;

  constructor(post: (message: FromThread) => void) {
    this.#post = post;
  }

  log(level: LogLevel, fields: object, message: string, error?: PlainError): void {
    const record: LogRecord = { kind: 'log', level, fields, error, message };
    if (this.#credit > 0) this.#send(record);
    else if (this.#records.length < recordsMax) this.#records.push(record);
    else this.#dropped += 1;
  }

  record(recording: Recording): void {
    if (this.#recordings.length >= recordingsMax) {
      this.#dropped += 1;
      return;
    }
    this.#recordings.push(recording);
    this.#flush ??= setImmediate(() => this.flush());
  }

  /** Sends the recordings that wait; with each answer, so that they are there when the exchange goes on. */
  flush(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    if (this.#recordings.length === 0 || this.#credit === 0) return;
    const recordings = this.#recordings;
    this.#recordings = [];
    this.#send({ kind: 'recordings', recordings });
  }

  /** The service has taken so many. */
  taken(count: number): void {
    this.#credit += count;
    for (const record of this.#records.splice(0, this.#credit)) this.#send(record);
    this.flush();
    if (this.#dropped > 0 && this.#credit > 0) {
      const dropped = this.#dropped;
      this.#dropped = 0;
      this.log('warn', { dropped }, 'log records and recordings came too fast, and some were dropped');
    }
  }

  /** The last words. */
  close(): void {
    this.taken(recordsMax + 1);
  }

  #send(message: FromThread): void {
    this.#credit -= 1;
    this.#post(message);
  }
}
