import { type ExportResult, ExportResultCode } from '@opentelemetry/core';

/** What became of the spans, log records or points of metrics that an exporter was to send. */
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

/** How exporters of all signals are alike. */
export interface Exporter<Batch> {
  export(batch: Batch, done: (result: ExportResult) => void): void;
  forceFlush?(): Promise<void>;
  shutdown(): Promise<void>;
}

interface Watcher<Batch> {
  /** How many are in a batch. */
  sizeOf(batch: Batch): number;
  /** So many of a batch were not taken. */
  lost(count: number): void;
  /** It works from now on, or no longer. */
  turn(health: ExportHealth): void;
}

/** An exporter whose success is counted, and told when it turns. */
export class WatchedExporter<Batch> implements Exporter<Batch> {
  readonly #name: string;
  readonly #exporter: Exporter<Batch>;
  readonly #watcher: Watcher<Batch>;
  #state: ExportHealth['state'] = 'unknown';
  #exported = 0;
  #lost = 0;
  #dropped = 0;
  #lastError: string | undefined;
  readonly #underWay = new Set<Promise<void>>();

  constructor(name: string, exporter: Exporter<Batch>, watcher: Watcher<Batch>) {
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

  export(batch: Batch, done: (result: ExportResult) => void): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay.add(promise);
    const size = this.#watcher.sizeOf(batch);
    this.#exporter.export(batch, (result) => {
      this.#underWay.delete(promise);
      resolve();
      if (result.code === ExportResultCode.SUCCESS) {
        this.#exported += size;
        this.#turn('ok', undefined);
      } else {
        this.#lost += size;
        this.#watcher.lost(size);
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
