import type { RedactRule } from './rule.ts';

/** A part of a text that a rule replaces. */
export interface Match {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

/**
 * The matches of one rule that begin at `from` or later and before `before`: in order, none overlapping
 * another, as `String.replace` finds them. What stands before `from` only decides what is a match.
 */
export function matchesOf(
  { expression, replacement }: RedactRule,
  text: string,
  from: number,
  before: number,
): Match[] {
  const matches: Match[] = [];
  for (let next = from; next < before; ) {
    expression.lastIndex = next;
    const found = expression.exec(text);
    if (!found || found.index >= before) break;
    const start = characterStart(text, found.index);
    const end = characterEnd(text, found.index + found[0].length);
    // A match of nothing replaces nothing.
    if (found[0] !== '') matches.push({ start, end, replacement });
    next = found[0] !== '' ? end : characterEnd(text, end + 1);
  }
  return matches;
}

/** The position, or the one before it where it would tear a character of two code units. */
export function characterStart(text: string, position: number): number {
  return tearsCharacter(text, position) ? position - 1 : position;
}

function characterEnd(text: string, position: number): number {
  return tearsCharacter(text, position) ? position + 1 : position;
}

function tearsCharacter(text: string, position: number): boolean {
  return (text.codePointAt(position - 1) ?? 0) > 0xffff;
}
