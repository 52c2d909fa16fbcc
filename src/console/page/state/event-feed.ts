import { type Signal, signal } from '@preact/signals';

/** What of `EventSource` is used. */
export interface Source {
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

export interface FeedOptions {
  /** Asks for what has to be known before events make sense. Rejects where the service does not answer, or refuses. */
  readonly greet: () => Promise<void>;
  readonly open: () => Source;
  /** By name of the event; `data` is parsed. */
  readonly listeners: Readonly<Record<string, (data: never) => void>>;
  /** Something comes more often than that, ms: where nothing does, nobody is there any more. */
  readonly silenceMsMax: () => number;
  /** Runs `then` after so long. Returns what calls that off. */
  readonly wait: (ms: number, then: () => void) => () => void;
}

export type FeedState = 'idle' | 'connecting' | 'open' | 'lost';

const firstRetryMs = 500;
const retryMsMax = 5_000;

/** Wait before the try after so many failed ones, in ms. */
export function retryDelayMs(failures: number): number {
  return Math.min(retryMsMax, firstRetryMs * 2 ** Math.max(0, failures - 1));
}

/**
 * One stream of server-sent events that comes back. Its own retries in place of the browser's, which give up at the
 * first answer that is no stream, and then say nothing of why; and which wait for ever on a connection that has died
 * without a word, as in a machine that slept.
 */
export class EventFeed {
  readonly state: Signal<FeedState> = signal('idle');
  /** How often it was open. */
  readonly openings: Signal<number> = signal(0);
  /** Since when nothing comes, ms since the epoch; undefined while something does. */
  readonly lostAt: Signal<number | undefined> = signal(undefined);
  readonly #options: FeedOptions;
  #source: Source | undefined;
  /** Of what it waits for: its next try, or the end of its patience. */
  #callOff: (() => void) | undefined;
  #failures = 0;
  /** Each start and stop makes what earlier ones have under way void. */
  #run = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** At once, also where it waits for its next try. Where it is open nothing happens. */
  start(): void {
    if (this.#source || this.state.peek() === 'connecting') return;
    this.#end();
    this.#failures = 0;
    if (this.state.peek() === 'idle') this.state.value = 'connecting';
    void this.#connect(this.#run);
  }

  /** Idempotent. */
  stop(): void {
    this.#end();
    this.state.value = 'idle';
    this.lostAt.value = undefined;
  }

  #end(): void {
    this.#run += 1;
    this.#callOff?.();
    this.#callOff = undefined;
    this.#source?.close();
    this.#source = undefined;
  }

  async #connect(run: number): Promise<void> {
    this.#bePatient();
    try {
      await this.#options.greet();
    } catch {
      if (run === this.#run) this.#lose();
      return;
    }
    if (run === this.#run) this.#listen(this.#options.open());
  }

  #bePatient(): void {
    const { wait, silenceMsMax } = this.#options;
    this.#callOff?.();
    this.#callOff = wait(silenceMsMax(), () => this.#lose());
  }

  #listen(source: Source): void {
    this.#source = source;
    source.addEventListener('open', () => {
      if (this.#source !== source) return;
      this.#bePatient();
      this.#failures = 0;
      this.lostAt.value = undefined;
      this.openings.value += 1;
      this.state.value = 'open';
    });
    source.addEventListener('error', () => {
      if (this.#source === source) this.#lose();
    });
    for (const [name, listener] of Object.entries(this.#options.listeners))
      source.addEventListener(name, ({ data }) => {
        if (this.#source !== source) return;
        this.#bePatient();
        listener(JSON.parse(data) as never);
      });
  }

  #lose(): void {
    this.#end();
    this.#failures += 1;
    this.lostAt.value ??= Date.now();
    this.state.value = 'lost';
    const run = this.#run;
    this.#callOff = this.#options.wait(retryDelayMs(this.#failures), () => void this.#connect(run));
  }
}
