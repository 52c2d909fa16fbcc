import type { Writable } from 'node:stream';
import { DeadlineError, withDeadline } from '../../exchange/deadline.ts';
import type { Sparse } from '../spans/span-attributes.ts';
import { exchangeLine } from './exchange-line.ts';

/**
 * Records that become lines in one go: that costs half of what it does one by one, between things that have nothing to
 * do with it. Their lines are about as much as a pipe holds.
 */
const recordsMax = 64;
/** The longest that a line waits for others, so that a busy service writes some times a second and not for each. */
const batchDelayMs = 100;

export interface LogLinesOptions {
  readonly stream: Writable;
  /** Characters that may wait for a slow reader; above it lines are dropped and counted. */
  readonly charsMax: number;
  /** Makes a line readable, where people read it. */
  readonly format?: ((line: string) => string) | undefined;
}

export interface LogWatcher {
  /** So many lines were lost. */
  dropped(lines: number): void;
  /** The service has said something: a line that came through `write`. */
  said: ((line: string) => void) | undefined;
}

/**
 * The lines of the log on their way to standard output: never waited for, and bounded where nobody reads them. What
 * is left when the process exits is written as far as the reader has room for it.
 */
export class LogLines {
  readonly #stream: Writable;
  readonly #charsMax: number;
  readonly #format: ((line: string) => string) | undefined;
  #watcher: LogWatcher | undefined;
  /** Of exchanges; not lines yet. */
  #records: Sparse[] = [];
  #batch = '';
  #batchLines = 0;
  /** Batches that the stream has not taken yet. */
  #underWay = 0;
  #droppedSinceNotice = 0;
  #isBroken = false;
  #timer: NodeJS.Timeout | undefined;
  #whenEmpty: (() => void) | undefined;

  constructor({ stream, charsMax, format }: LogLinesOptions) {
    this.#stream = stream;
    this.#charsMax = charsMax;
    this.#format = format;
    stream.on('error', this.#onError);
    process.on('exit', this.#flush);
  }

  /** There is one at a time. */
  watch(watcher: LogWatcher): void {
    this.#watcher = watcher;
  }

  /** Of what the service says; written at once. A line ends with a line feed. */
  write(said: string): void {
    const line = wellFormed(said);
    this.#watcher?.said?.(line);
    this.#takeRecords();
    this.#take(line);
    this.#flush();
  }

  /** The record of an exchange; written with others, unless it is urgent. */
  add(record: Sparse, isUrgent: boolean): void {
    this.#records.push(record);
    if (isUrgent || this.#records.length >= recordsMax) this.#flush();
    else this.#flushSoon();
  }

  /** Waits until everything is written, or the deadline. May be called twice. Never rejects. */
  async close(timeoutMs: number): Promise<void> {
    this.#flush();
    if (!this.#isEmpty) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#whenEmpty = resolve;
      await withDeadline(promise, timeoutMs).catch((error) => {
        if (!(error instanceof DeadlineError)) throw error;
      });
    }
    process.off('exit', this.#flush);
    this.#stream.off('error', this.#onError);
  }

  get #isEmpty(): boolean {
    return this.#batch === '' && this.#underWay === 0;
  }

  #takeRecords(): void {
    if (this.#records.length === 0) return;
    for (const record of this.#records) this.#take(wellFormed(exchangeLine(record)));
    this.#records = [];
  }

  #take(line: string): void {
    if (this.#isBroken || this.#batch.length + line.length > this.#charsMax) {
      this.#drop(1);
      return;
    }
    this.#batch += this.#format ? this.#format(line) : line;
    this.#batchLines += 1;
  }

  #drop(lines: number): void {
    this.#droppedSinceNotice += lines;
    this.#watcher?.dropped(lines);
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(this.#flush, batchDelayMs).unref();
  }

  readonly #flush = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#takeRecords();
    if (this.#batch === '') return;
    if (this.#stream.writableLength > 0) {
      // It would only pile up what it has not taken yet; and what is not ours tells nobody when it is taken.
      if (this.#underWay === 0) this.#flushSoon();
      return;
    }
    const batch = this.#batch;
    const lines = this.#batchLines;
    this.#batch = '';
    this.#batchLines = 0;
    this.#underWay += 1;
    this.#stream.write(batch, (error) => this.#onWritten(lines, error));
  };

  #onWritten(lines: number, error: Error | null | undefined): void {
    this.#underWay -= 1;
    if (error) this.#drop(lines);
    else if (this.#droppedSinceNotice > 0) this.#notice();
    this.#flush();
    if (this.#isEmpty) this.#whenEmpty?.();
  }

  /** Somebody reads again: the gap is told in its place. */
  #notice(): void {
    const msg = `${this.#droppedSinceNotice} lines of the log were dropped: nobody read standard output`;
    const line = `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), msg })}\n`;
    this.#droppedSinceNotice = 0;
    this.#batch += this.#format ? this.#format(line) : line;
    this.#batchLines += 1;
  }

  /** A pipe whose reader has gone stays broken; a full disk may have room again, and standard output survives that. */
  readonly #onError = (error: NodeJS.ErrnoException): void => {
    const { destroyed, errored } = this.#stream;
    this.#isBroken ||= error.code === 'EPIPE' || destroyed || errored !== null;
    if (!this.#isBroken) return;
    this.#drop(this.#batchLines);
    this.#batch = '';
    this.#batchLines = 0;
    if (this.#isEmpty) this.#whenEmpty?.();
  };
}

/**
 * JSON can say half a character, as `\ud800`, which clients can send and cutting a text can leave; strict readers
 * refuse the whole line for it.
 */
function wellFormed(line: string): string {
  if (!line.includes('\\ud')) return line;
  return line.replace(/(\\+)ud[89a-f][0-9a-f]{2}/g, (whole, slashes: string) =>
    slashes.length % 2 === 1 ? `${slashes}ufffd` : whole,
  );
}
