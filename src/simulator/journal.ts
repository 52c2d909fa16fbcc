import { EventEmitter } from 'node:events';
import { type JournalEntry, openEntry, type Received, Recorder } from './recorder.ts';

export interface WaitOptions {
  readonly timeoutMs?: number;
}

type Predicate = (entry: JournalEntry) => boolean;

export class Journal {
  readonly #max: number;
  readonly #events = new EventEmitter().setMaxListeners(0);
  readonly #underWay = new Set<JournalEntry>();
  readonly #received = new Set<JournalEntry>();
  #ended: JournalEntry[] = [];
  #lastId = 0;

  /** The oldest entries go when there are more than `max`; with 0 nothing is kept or hashed. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Of exchanges that have ended, the oldest first. */
  entries(): readonly JournalEntry[] {
    return [...this.#ended];
  }

  /** Of exchanges that have begun and not ended. */
  underWay(): readonly JournalEntry[] {
    return [...this.#underWay];
  }

  /** The last exchange that ended with this `x-request-id`. */
  find(requestId: string): JournalEntry | undefined {
    return this.#ended.findLast((entry) => entry.requestId === requestId);
  }

  /** The first exchange that has ended, or will end, and satisfies the predicate. */
  waitFor(predicate: Predicate, options: WaitOptions = {}): Promise<JournalEntry> {
    return this.#wait('ended', this.#ended, predicate, options);
  }

  /** The same for exchanges whose request has arrived; their entries may still be growing. */
  waitForReceived(predicate: Predicate, options: WaitOptions = {}): Promise<JournalEntry> {
    return this.#wait('received', [...this.#ended, ...this.#received], predicate, options);
  }

  /** Everything that has ended, once nothing is under way: a client may know its reply before `close` does. */
  async settled({ timeoutMs = 30_000 }: WaitOptions = {}): Promise<readonly JournalEntry[]> {
    const deadline = performance.now() + timeoutMs;
    for (const entry of this.underWay()) {
      await this.waitFor((ended) => ended.id === entry.id, { timeoutMs: deadline - performance.now() });
    }
    return this.entries();
  }

  clear(): void {
    this.#ended = [];
  }

  begin(seen: Received): Recorder {
    this.#lastId += 1;
    const entry = openEntry(this.#lastId, seen);
    this.#underWay.add(entry);
    return new Recorder(entry, this.#max > 0, (event) => this.#note(entry, event));
  }

  #note(entry: JournalEntry, event: 'received' | 'ended'): void {
    if (event === 'received') this.#received.add(entry);
    if (event === 'ended') {
      this.#underWay.delete(entry);
      this.#received.delete(entry);
      if (this.#max > 0) this.#ended.push(entry);
      if (this.#ended.length > this.#max) this.#ended.shift();
    }
    this.#events.emit(event, entry);
  }

  #wait(
    event: 'received' | 'ended',
    known: readonly JournalEntry[],
    predicate: Predicate,
    { timeoutMs = 30_000 }: WaitOptions,
  ): Promise<JournalEntry> {
    const found = known.find(predicate);
    if (found) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        this.#events.off(event, look);
      };
      const look = (entry: JournalEntry): void => {
        if (!predicate(entry)) return;
        stop();
        resolve(entry);
      };
      const timer = setTimeout(() => {
        stop();
        reject(
          new Error(`No exchange in the simulator's journal satisfied the predicate within ${timeoutMs} ms.`),
        );
      }, timeoutMs);
      this.#events.on(event, look);
    });
  }
}
