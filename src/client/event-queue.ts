import type { QueryError } from './query-error.ts';
import type { ReplyEvent } from './reply.ts';

export interface EventQueueOptions {
  /** Bytes that may be here before somebody takes them. */
  readonly window: number;
  /** So many bytes were taken: as many more may come. */
  readonly grant: (bytes: number) => void;
  /** Whoever iterated has left. */
  readonly left: () => void;
}

interface Item<T> {
  readonly event: ReplyEvent<T>;
  /** Still to be granted when it is taken. */
  bytes: number;
}

/** Consumed entries at the head of the list, before they are cut off. */
const takenMax = 256;

/**
 * The events of one reply on their way to whoever takes them. Until somebody does, nothing is granted, so no more
 * than the window is held here. To collect is to take each as it comes; to iterate, to take them one by one, those
 * that were collected first.
 */
export class EventQueue<T> {
  readonly #options: EventQueueOptions;
  #mode: 'held' | 'collected' | 'iterated' = 'held';
  #items: Item<T>[] = [];
  /** So many at the head of the list were taken by the loop. */
  #taken = 0;
  #owed = 0;
  #hasEnded = false;
  /** What the reply ends with, until it was thrown. */
  #error: QueryError | undefined;
  readonly #waiting: PromiseWithResolvers<IteratorResult<ReplyEvent<T>>>[] = [];

  constructor(options: EventQueueOptions) {
    this.#options = options;
  }

  /** Those that no loop has taken or will take. */
  get uniterated(): readonly ReplyEvent<T>[] {
    return this.#mode === 'iterated' ? [] : this.#items.map(({ event }) => event);
  }

  add(event: ReplyEvent<T>, bytes: number): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ value: event, done: false });
      this.#take(bytes);
      return;
    }
    const isTaken = this.#mode === 'collected';
    this.#items.push({ event, bytes: isTaken ? 0 : bytes });
    if (isTaken) this.#take(bytes);
  }

  /** Nothing comes any more. What is here can still be iterated. */
  finish(error?: QueryError): void {
    this.#hasEnded = true;
    this.#error = error;
    for (const waiting of this.#waiting.splice(0)) this.#settle(waiting);
  }

  /** Nobody wants what is here. */
  clear(): void {
    this.#items = [];
    this.#taken = 0;
  }

  collect(): void {
    if (this.#mode !== 'held') return;
    this.#mode = 'collected';
    for (const item of this.#items) {
      this.#take(item.bytes);
      item.bytes = 0;
    }
  }

  iterate(): AsyncIterator<ReplyEvent<T>> {
    if (this.#mode === 'iterated') throw new TypeError('The events of a query can be iterated over once.');
    this.#mode = 'iterated';
    return {
      next: () => this.#next(),
      return: () => {
        this.clear();
        this.#options.left();
        // Whoever has left does not want to hear how it ended.
        this.#error = undefined;
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  #next(): Promise<IteratorResult<ReplyEvent<T>>> {
    const item = this.#items[this.#taken];
    if (item !== undefined) {
      this.#taken += 1;
      this.#cut();
      this.#take(item.bytes);
      return Promise.resolve({ value: item.event, done: false });
    }
    const waiting = Promise.withResolvers<IteratorResult<ReplyEvent<T>>>();
    if (this.#hasEnded) this.#settle(waiting);
    else this.#waiting.push(waiting);
    return waiting.promise;
  }

  /** An error is thrown once; an iterator that has ended stays so. */
  #settle(waiting: PromiseWithResolvers<IteratorResult<ReplyEvent<T>>>): void {
    const error = this.#error;
    this.#error = undefined;
    if (error === undefined) waiting.resolve({ value: undefined, done: true });
    else waiting.reject(error);
  }

  #cut(): void {
    if (this.#taken < takenMax && this.#taken < this.#items.length) return;
    this.#items.splice(0, this.#taken);
    this.#taken = 0;
  }

  /** Half a window at a time: a message for each event would be as much traffic as the events. */
  #take(bytes: number): void {
    this.#owed += bytes;
    if (this.#owed * 2 < this.#options.window || this.#hasEnded) return;
    this.#options.grant(this.#owed);
    this.#owed = 0;
  }
}
