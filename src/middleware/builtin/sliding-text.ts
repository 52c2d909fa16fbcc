import type { RedactRule } from './redact.ts';

/** Beyond this many windows a match that does not end is replaced as far as it goes. */
const windowsHeldMax = 16;

/**
 * A text that arrives in pieces and leaves with its matches replaced, wherever the pieces were cut. As much
 * of it waits as could still become a match: up to `window` characters.
 *
 * Invariant: what has left contains no part of a match that is up to `window` characters long.
 */
export class SlidingText {
  readonly #rules: readonly RedactRule[];
  readonly #window: number;
  /** What has left last, as it was: `\b` and the like look at what stands before a match. */
  #before = '';
  #held = '';

  constructor(rules: readonly RedactRule[], window: number) {
    this.#rules = rules;
    this.#window = window;
  }

  /** Takes the next piece; returns what may leave now. */
  push(piece: string): string {
    this.#held += piece;
    return this.#release(this.#cut());
  }

  /** Nothing more comes: returns the rest. */
  end(): string {
    return this.#release(this.#held.length);
  }

  /** How much of what is held can be decided: no match lies across that point. */
  #cut(): number {
    const { length } = this.#held;
    let cut = Math.max(0, length - this.#window + 1);
    let hasMoved = true;
    while (hasMoved) {
      hasMoved = false;
      for (const [start, end] of this.#matches()) {
        // One that touches the end may grow; one across the cut must not be torn.
        if (start < cut && (end > cut || end === length)) {
          cut = start;
          hasMoved = true;
        }
      }
    }
    return length > this.#window * windowsHeldMax ? length : cut;
  }

  *#matches(): Generator<readonly [number, number]> {
    const text = this.#before + this.#held;
    const offset = this.#before.length;
    for (const { expression } of this.#rules) {
      for (const match of text.matchAll(expression)) {
        const start = match.index - offset;
        const end = start + match[0].length;
        if (end > 0) yield [Math.max(0, start), end];
      }
    }
  }

  #release(count: number): string {
    if (count === 0) return '';
    const leaving = this.#held.slice(0, count);
    this.#held = this.#held.slice(count);
    // Replaced with its surroundings, of which only its own part leaves.
    const released = replaceWithin(this.#rules, this.#before, leaving, this.#held);
    this.#before = (this.#before + leaving).slice(-this.#window);
    return released;
  }
}

/** `text` with its matches replaced, where `before` and `after` only decide what is a match. */
function replaceWithin(rules: readonly RedactRule[], before: string, text: string, after: string): string {
  if (rules.length > 1)
    return rules.reduce((current, rule) => replaceWithin([rule], before, current, after), text);
  const [rule] = rules;
  if (!rule) return text;
  const from = before.length;
  const to = from + text.length;
  let out = '';
  let position = from;
  for (const match of (before + text + after).matchAll(rule.expression)) {
    const start = match.index;
    const end = start + match[0].length;
    if (end <= from || start < position || end > to) continue;
    out += (before + text + after).slice(position, start) + rule.replacement;
    position = end;
  }
  return out + text.slice(position - from);
}
