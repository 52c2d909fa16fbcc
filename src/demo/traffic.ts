import { setTimeout as delay } from 'node:timers/promises';
import { Agent, type Dispatcher } from 'undici';
import { askOverHttp } from './http-visit.ts';
import { talkOverRealtime } from './realtime-visit.ts';
import { askOverStream } from './stream-visit.ts';
import type { Tally } from './tally.ts';
import { patienceEnded, type Result, type Visit } from './visit.ts';

export interface TrafficOptions {
  readonly baseUrl: URL;
  readonly visits: Iterable<Visit>;
  /** When each of them comes, ms after the beginning. */
  readonly arrivals: Iterator<number, never>;
  /** Visits under way at once; the next one waits. */
  readonly concurrencyMax: number;
  readonly tally: Tally;
  /** How long anybody waits for the end of a reply. */
  readonly patienceMs?: number;
  /** How long what is under way may still take when the traffic ends. */
  readonly graceMs?: number;
}

/** Behind its plan by more than this, the traffic does not catch up: the server would be hit by all of it at once. */
const lagMsMax = 250;

/** Clients that come, ask and go. */
export class Traffic {
  readonly #options: Required<TrafficOptions>;
  readonly #dispatcher: Dispatcher;
  readonly #underWay = new Map<Promise<void>, AbortController>();
  #freed = Promise.withResolvers<void>();
  #began = 0;
  #failure: unknown;

  constructor(options: TrafficOptions) {
    this.#options = { patienceMs: 60_000, graceMs: 5_000, ...options };
    // Whoever loses patience says so; the connection's own timeouts would only come in between.
    this.#dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  }

  /** Visits that have begun. */
  get began(): number {
    return this.#began;
  }

  get inFlight(): number {
    return this.#underWay.size;
  }

  /**
   * Until the visits are used up or the signal is aborted; what is under way then has a little time to end.
   * Rejects where a visit fails in a way that no server can be blamed for.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { visits, arrivals } = this.#options;
    let startedAt = performance.now();
    for (const visit of visits) {
      const dueAt = startedAt + arrivals.next().value;
      await pause(dueAt - performance.now(), signal);
      await this.#seat(signal);
      if (signal.aborted || this.#failure !== undefined) break;
      startedAt += Math.max(0, performance.now() - dueAt - lagMsMax);
      this.#begin(visit);
    }
    await this.#finish();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #seat(signal: AbortSignal): Promise<void> {
    while (this.#underWay.size >= this.#options.concurrencyMax && !signal.aborted) {
      const aborted = Promise.withResolvers<void>();
      const stop = () => aborted.resolve();
      signal.addEventListener('abort', stop, { once: true });
      await Promise.race([this.#freed.promise, aborted.promise]);
      signal.removeEventListener('abort', stop);
    }
  }

  #begin(visit: Visit): void {
    this.#began += 1;
    const controller = new AbortController();
    const patience = setTimeout(() => controller.abort(patienceEnded), this.#options.patienceMs);
    const running = this.#visit(visit, controller.signal)
      .then((results) => {
        for (const result of results) this.#options.tally.add(result);
      })
      .catch((thrown: unknown) => {
        this.#failure ??= thrown;
      })
      .finally(() => {
        clearTimeout(patience);
        this.#underWay.delete(running);
        this.#freed.resolve();
        this.#freed = Promise.withResolvers();
      });
    this.#underWay.set(running, controller);
  }

  async #visit(visit: Visit, signal: AbortSignal): Promise<readonly Result[]> {
    const { baseUrl } = this.#options;
    if (visit.over === 'realtime') return talkOverRealtime(visit, { baseUrl, signal });
    const { tenant } = visit;
    if (visit.over === 'stream') return askOverStream(visit.questions, { baseUrl, tenant, signal });
    return [await askOverHttp(visit.question, { baseUrl, dispatcher: this.#dispatcher, tenant, signal })];
  }

  async #finish(): Promise<void> {
    const ended = Promise.all(this.#underWay.keys());
    const grace = setTimeout(() => {
      for (const controller of this.#underWay.values()) controller.abort();
    }, this.#options.graceMs);
    await ended;
    clearTimeout(grace);
    await this.#dispatcher.destroy();
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  // Aborted, it is over: the caller looks at the signal itself.
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
