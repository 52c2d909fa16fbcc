import type { Tally } from './tally.ts';

export interface Screen {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** What a line tells besides the tally. */
export interface Pulse {
  /** Visits that have begun since the beginning. */
  readonly began: number;
  readonly inFlight: number;
}

/** A terminal shows a line that changes; a log gets a new one, less often. */
const intervalMs = { terminal: 1_000, log: 10_000 };

/** Tells how it goes, until it is disposed of. */
export class Progress implements Disposable {
  readonly #screen: Screen;
  readonly #tally: Tally;
  readonly #pulse: Pulse;
  readonly #timer: NodeJS.Timeout;
  #told = { began: 0, at: performance.now() };

  constructor(screen: Screen, tally: Tally, pulse: Pulse) {
    this.#screen = screen;
    this.#tally = tally;
    this.#pulse = pulse;
    this.#timer = setInterval(() => this.tell(), screen.isTTY ? intervalMs.terminal : intervalMs.log);
  }

  tell(): void {
    const { began, inFlight } = this.#pulse;
    const at = performance.now();
    const rate = ((began - this.#told.began) * 1_000) / (at - this.#told.at);
    this.#told = { began, at };
    const line = `${rate.toFixed(1)}/s · ${inFlight} in flight · ${this.#tally.describeEndings()} · ${this.#tally.describeTokens()}`;
    // Longer than the terminal is wide it would wrap, and could not be taken back.
    if (this.#screen.isTTY)
      this.#screen.write(`\r\u001b[K${line.slice(0, (this.#screen.columns ?? 80) - 1)}`);
    else this.#screen.write(`${line}\n`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (this.#screen.isTTY) this.#screen.write('\r\u001b[K');
  }
}
