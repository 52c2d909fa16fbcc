import { type ExportResult, ExportResultCode } from '@opentelemetry/core';

/** What became of the spans or log records that an exporter was to send. */
export interface ExportHealth {
  readonly exporter: string;
  readonly state: 'unknown' | 'ok' | 'failing';
  readonly exported: number;
  /** Tried, and not taken. */
  readonly lost: number;
  /** Never tried: the queue before the exporter was full. */
  readonly dropped: number;
  readonly lastError: string | undefined;
}

/** How exporters of spans and those of log records are alike. */
export interface Exporter<Item> {
  export(items: Item[], done: (result: ExportResult) => void): void;
  forceFlush?(): Promise<void>;
  shutdown(): Promise<void>;
}

interface Watcher {
  /** So many of a batch were not taken. */
  lost(count: number): void;
  /** It works from now on, or no longer. */
  turn(health: ExportHealth): void;
}

/** An exporter whose success is counted, and told when it turns. */
export class WatchedExporter<Item> implements Exporter<Item> {
  readonly #name: string;
  readonly #exporter: Exporter<Item>;
  readonly #watcher: Watcher;
  #state: ExportHealth['state'] = 'unknown';
  #exported = 0;
  #lost = 0;
  #dropped = 0;
  #lastError: string | undefined;
  readonly #underWay = new Set<Promise<void>>();

  constructor(name: string, exporter: Exporter<Item>, watcher: Watcher) {
    this.#name = name;
    this.#exporter = exporter;
    this.#watcher = watcher;
  }

  get health(): ExportHealth {
    return {
      exporter: this.#name,
      state: this.#state,
      exported: this.#exported,
      lost: this.#lost,
      dropped: this.#dropped,
      lastError: this.#lastError,
    };
  }

  export(items: Item[], done: (result: ExportResult) => void): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay.add(promise);
    this.#exporter.export(items, (result) => {
      this.#underWay.delete(promise);
      resolve();
      if (result.code === ExportResultCode.SUCCESS) {
        this.#exported += items.length;
        this.#turn('ok', undefined);
      } else {
        this.#lost += items.length;
        this.#watcher.lost(items.length);
        this.#turn('failing', result.error?.message ?? 'export failed');
      }
      done(result);
    });
  }

  /** The queue before it had no room for so many. */
  noteDropped(count: number): void {
    this.#dropped += count;
  }

  /**
   * Resolves when no export is under way. At its shutdown the processor waits for the others no longer when
   * one batch has failed.
   */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  #turn(state: 'ok' | 'failing', error: string | undefined): void {
    const hasTurned = this.#state !== state;
    this.#state = state;
    this.#lastError = error;
    if (hasTurned) this.#watcher.turn(this.health);
  }
}
