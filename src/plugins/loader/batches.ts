import { describeError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { FileChange, PrintedChange } from './file-change.ts';

type OnChanges = (changes: readonly FileChange[]) => Promise<void>;

/**
 * Hands changes on, one batch at a time. While one is being applied, others gather for the next, and of each
 * file only the latest counts. What equals the last that was told of a file is no news.
 */
export class Batches {
  readonly #onChanges: OnChanges;
  readonly #log: Logger;
  /** File → print of what was last told of it; not of files that are gone. */
  readonly #told = new Map<string, string>();
  readonly #waiting = new Map<string, PrintedChange>();
  #delivery: Promise<void> | undefined;
  #isStopped = false;

  constructor(onChanges: OnChanges, log: Logger) {
    this.#onChanges = onChanges;
    this.#log = log;
  }

  /** Resolves when nothing waits and nothing is being applied. */
  get delivered(): Promise<void> {
    return this.#delivery ?? Promise.resolve();
  }

  add(changes: readonly PrintedChange[]): void {
    for (const printed of changes) {
      const { file, kind } = printed.change;
      const told = this.#told.get(file);
      const isNews = kind === 'gone' ? told !== undefined : told !== printed.print;
      if (isNews) this.#waiting.set(file, printed);
      else this.#waiting.delete(file);
    }
    if (this.#waiting.size > 0) this.#delivery ??= this.#deliver();
  }

  /** Somebody was told of this one otherwise. */
  note({ change, print }: PrintedChange): void {
    this.#waiting.delete(change.file);
    this.#remember(change, print);
  }

  /** What waits is dropped; resolves when the batch under way has been applied. */
  stop(): Promise<void> {
    this.#isStopped = true;
    this.#waiting.clear();
    return this.delivered;
  }

  async #deliver(): Promise<void> {
    while (this.#waiting.size > 0 && !this.#isStopped) {
      const batch = [...this.#waiting.values()].sort((a, b) => (a.change.file < b.change.file ? -1 : 1));
      this.#waiting.clear();
      for (const { change, print } of batch) this.#remember(change, print);
      await this.#apply(batch.map(({ change }) => change));
    }
    this.#delivery = undefined;
  }

  async #apply(changes: readonly FileChange[]): Promise<void> {
    try {
      await this.#onChanges(changes);
    } catch (thrown) {
      this.#log.error(
        { files: changes.map(({ file }) => file), ...describeError(thrown) },
        'changed plugin files could not be applied',
      );
    }
  }

  #remember(change: FileChange, print: string): void {
    if (change.kind === 'gone') this.#told.delete(change.file);
    else this.#told.set(change.file, print);
  }
}
