import type { Part } from './content.ts';
import { cutText } from './cut-text.ts';
import { Fitting } from './fitting.ts';

/** What a part of a message counts beside its texts: so many empty ones are not free either. */
const partChars = 32;

/** How much of a reply may be kept while it comes. */
export class Room {
  #left: number;
  #isExceeded = false;

  constructor(charsMax: number) {
    this.#left = charsMax;
  }

  /** Something was left out. */
  get isExceeded(): boolean {
    return this.#isExceeded;
  }

  /** The text, as far as there is room for it. */
  take(text: string): string {
    const kept = cutText(text, this.#left);
    // What follows a text that was cut off would be read as its continuation.
    if (kept.length < text.length) this.#exceed();
    else this.#left -= text.length;
    return kept;
  }

  /** Is there room for one more part? */
  open(): boolean {
    if (this.#left < partChars) {
      this.#exceed();
      return false;
    }
    this.#left -= partChars;
    return true;
  }

  /** The part, as far as there is room for it, apart from what it was a part of. */
  keep(part: Part): Part | undefined {
    const fitting = new Fitting(this.#left);
    const [kept] = fitting.parts([part]);
    this.#left = fitting.left;
    if (fitting.isCut) this.#exceed();
    return kept;
  }

  /** What was taken or kept is not needed any more. */
  giveBack(chars: number): void {
    if (!this.#isExceeded) this.#left += chars;
  }

  get left(): number {
    return this.#left;
  }

  #exceed(): void {
    this.#left = 0;
    this.#isExceeded = true;
  }
}
