/** A pattern as the options of `redact` take it. */
export interface Pattern {
  readonly name: string;
  readonly pattern: string;
  readonly flags?: string;
  readonly replacement?: string;
}

/** Patterns whose matches, with what they look ahead at, are at most `longest` characters long. */
const patternPool: readonly (Pattern & { readonly longest: number })[] = [
  { name: 'word', pattern: 'abca', longest: 4 },
  { name: 'run', pattern: 'a{2,5}', longest: 5 },
  { name: 'lazy', pattern: 'a.{0,4}?c', flags: 's', longest: 6 },
  { name: 'digits', pattern: String.raw`\b\d{2,6}\b`, longest: 6 },
  { name: 'inside', pattern: String.raw`\Bb+?\B`, longest: 12 },
  { name: 'behind', pattern: '(?<=a:)[bc]{1,3}', longest: 3 },
  { name: 'not_behind', pattern: '(?<!1)2{1,4}', longest: 4 },
  { name: 'ahead', pattern: 'b(?=c)|c(?!b)', longest: 2 },
  { name: 'line', pattern: '^[ab]{1,3}$', flags: 'm', longest: 4 },
  { name: 'case', pattern: 'ABC', flags: 'i', longest: 3 },
  { name: 'smile', pattern: '🙂+', flags: 'u', longest: 12 },
  { name: 'any', pattern: '^.:', flags: 'mu', longest: 3 },
  { name: 'twice', pattern: '([ab1])\\1', longest: 2 },
  { name: 'empty', pattern: String.raw`\b|:1`, longest: 2 },
  { name: 'dollars', pattern: 'cc', replacement: '$&$1', longest: 2 },
  { name: 'gone', pattern: '[12]a', replacement: '', longest: 2 },
];

export function pick<T>(random: () => number, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}

/** One to three patterns, and a window in which their matches fit. */
export function randomPatterns(random: () => number): { patterns: Pattern[]; window: number } {
  const chosen = new Set(
    Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(random, patternPool)),
  );
  const longest = Math.max(...Array.from(chosen, (one) => one.longest));
  const patterns = Array.from(chosen, ({ longest: _, ...pattern }) => pattern);
  return { patterns, window: longest + pick(random, [0, 0, 1, 7, 40]) };
}

/** Of few letters, so that much of it matches something; runs of them stay short enough for every pattern. */
export function randomText(random: () => number, length: number): string {
  const letters = ['a', 'b', 'c', 'A', '1', '2', ':', ' ', '\n', '🙂', 'é', '界'];
  let text = '';
  let last = '';
  while (text.length < length) {
    const letter = pick(random, letters);
    // No run of a letter that repetitions without an upper bound could take beyond the window.
    if (letter === last && text.endsWith(letter.repeat(4))) continue;
    text += letter;
    last = letter;
  }
  return text;
}

/** The text in pieces of random lengths, cut anywhere, also within a character. */
export function randomPieces(random: () => number, text: string, lengthMax: number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const next = at + 1 + Math.floor(random() * lengthMax);
    pieces.push(text.slice(at, next));
    at = next;
  }
  return pieces;
}

/**
 * What `redact` is to make of a whole text, written down in another way: everything that some pattern
 * matches is gone, and where matches overlap, the replacement of the first stands for all of them.
 */
export function redacted(patterns: readonly Pattern[], text: string): string {
  const found = patterns.flatMap(({ name, pattern, flags = '', replacement = `[${name}]` }) =>
    Array.from(text.matchAll(new RegExp(pattern, `${flags}g`)), ({ 0: match, index }) => ({
      start: index,
      end: index + match.length,
      replacement,
    })).filter(({ start, end }) => end > start),
  );
  let out = '';
  for (let at = 0; at < text.length; ) {
    const first = found.find(({ start }) => start === at);
    if (!first) {
      out += text.charAt(at);
      at += 1;
      continue;
    }
    out += first.replacement;
    let end = first.end;
    for (let i = at; i < end; i += 1) {
      for (const other of found) if (other.start === i) end = Math.max(end, other.end);
    }
    at = end;
  }
  return out;
}
