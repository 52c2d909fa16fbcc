export interface AddressBarOptions {
  /** Replaces the address of the page's entry in the browser's history. */
  readonly write: (to: string) => void;
  /** Runs `then` after so long. Returns what calls that off. */
  readonly wait: (ms: number, then: () => void) => () => void;
}

/** Browsers take some hundred changes in half a minute and refuse the rest; a key that is held makes thirty a second. */
const restMs = 250;

/** Addresses that replace one another: the first at once, then at most one in `restMs`, of several the last. */
export class AddressBar {
  readonly #options: AddressBarOptions;
  #next: string | undefined;
  /** Ends the rest; undefined where there is none. */
  #callOff: (() => void) | undefined;

  constructor(options: AddressBarOptions) {
    this.#options = options;
  }

  replace(to: string): void {
    this.#next = to;
    if (!this.#callOff) this.flush();
  }

  /** Writes at once what still waits. */
  flush(): void {
    const to = this.#next;
    this.drop();
    if (to === undefined) return;
    this.#options.write(to);
    this.#callOff = this.#options.wait(restMs, () => {
      this.#callOff = undefined;
      this.flush();
    });
  }

  /** What still waits is of an entry that the browser has left. */
  drop(): void {
    this.#next = undefined;
    this.#callOff?.();
    this.#callOff = undefined;
  }
}
