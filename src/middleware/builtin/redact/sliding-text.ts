import { characterStart, type Match, matchesOf } from './match.ts';
import type { RedactRule } from './rule.ts';

/** A match that goes on to the end of what has arrived may grow; beyond so many windows it is taken as it is. */
const growthWindowsMax = 16;

/** One piece of a text. What becomes of it fills up as it is decided. */
export interface Piece {
  readonly redacted: string;
  readonly isDecided: boolean;
}

interface OpenPiece {
  redacted: string;
  isDecided: boolean;
  /** Where it ends in the text that is held. */
  end: number;
}

/**
 * A text that arrives in pieces, and whose matches are replaced wherever it was cut. Each piece keeps what
 * came in it; a match over several is replaced in the first of them and gone from the others. Where matches
 * overlap they are replaced as one: nothing that any rule matches is left.
 *
 * A piece is decided when `window` more characters have arrived, or the text has ended. So a match is found
 * that is at most `window` characters long, as is a longer one whose every beginning is a match.
 */
export class SlidingText {
  readonly #rules: readonly RedactRule[];
  readonly #window: number;
  /** What is not decided, and before it as much as rules may look back. Positions below are in this text. */
  #text = '';
  /** Every match that begins before it is known … */
  #searched = 0;
  /** … and every character before this is decided: more, where a match goes on. */
  #decided = 0;
  /** By rule: where its next match may begin. */
  readonly #next: number[];
  #open: OpenPiece[] = [];

  constructor(rules: readonly RedactRule[], window: number) {
    this.#rules = rules;
    this.#window = window;
    this.#next = rules.map(() => 0);
  }

  /** The next piece; not an empty one. */
  push(text: string): Piece {
    this.#text += text;
    const piece: OpenPiece = { redacted: '', isDecided: false, end: this.#text.length };
    this.#open.push(piece);
    this.#search(this.#text.length - this.#window, true);
    return piece;
  }

  /** Nothing more comes, as far as is known: decides the rest. */
  end(): void {
    this.#search(this.#text.length, false);
  }

  /** Replaces the matches that begin before `limit`. */
  #search(limit: number, mayGrow: boolean): void {
    if (limit <= this.#searched) return;
    const found = this.#rules.map((rule, i) => matchesOf(rule, this.#text, this.#next[i] ?? 0, limit));
    const until = mayGrow ? this.#beforeGrowing(found, limit) : limit;
    const matches: Match[] = [];
    for (const [i, ofRule] of found.entries()) {
      const known = ofRule.filter((match) => match.start < until);
      matches.push(...known);
      this.#next[i] = Math.max(until, known.at(-1)?.end ?? 0);
    }
    // Those that begin together stay in the order of the rules.
    matches.sort((a, b) => a.start - b.start);
    for (const { start, end, replacement } of matches) {
      const isOverlapping = start < this.#decided;
      this.#decide(start);
      this.#decide(end, isOverlapping ? '' : replacement);
    }
    this.#decide(until);
    this.#searched = until;
    this.#forget();
  }

  /** The limit, or the beginning of a match before it that may still grow; never within a character. */
  #beforeGrowing(found: readonly Match[][], limit: number): number {
    const { length } = this.#text;
    let until = characterStart(this.#text, limit);
    for (const ofRule of found) {
      const last = ofRule.at(-1);
      const isGrowing = last?.end === length && length - last.start <= this.#window * growthWindowsMax;
      if (isGrowing) until = Math.min(until, last.start);
    }
    return until;
  }

  /** Gives the text up to `to` to the pieces that it came in: as it is, or `instead` to the first of them. */
  #decide(to: number, instead?: string): void {
    let replacement = instead;
    while (this.#decided < to) {
      const [piece] = this.#open;
      if (!piece) return;
      const end = Math.min(piece.end, to);
      piece.redacted += replacement ?? this.#text.slice(this.#decided, end);
      if (replacement !== undefined) replacement = '';
      this.#decided = end;
      if (end < piece.end) return;
      piece.isDecided = true;
      this.#open.shift();
    }
  }

  /** Keeps as much of what is decided as a rule may look back: `\b`, a lookbehind. */
  #forget(): void {
    const count = this.#searched - this.#window;
    if (count <= 0) return;
    this.#text = this.#text.slice(count);
    this.#searched -= count;
    this.#decided -= count;
    for (const [i, next] of this.#next.entries()) this.#next[i] = next - count;
    for (const piece of this.#open) piece.end -= count;
  }
}

/** A whole text with its matches replaced. */
export function redactText(rules: readonly RedactRule[], text: string): string {
  if (text === '') return text;
  const whole = new SlidingText(rules, Number.POSITIVE_INFINITY);
  const piece = whole.push(text);
  whole.end();
  return piece.redacted;
}
