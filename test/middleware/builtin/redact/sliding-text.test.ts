import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RedactRule } from '../../../../src/middleware/builtin/redact/rule.ts';
import {
  type Piece,
  redactText,
  SlidingText,
} from '../../../../src/middleware/builtin/redact/sliding-text.ts';
import { seededRandom } from '../../../dialects/recordings.ts';
import { type Pattern, pick, randomPatterns, randomPieces, randomText, redacted } from './secrets.ts';

function rulesOf(patterns: readonly Pattern[]): RedactRule[] {
  return patterns.map(({ name, pattern, flags = '', replacement = `[${name}]` }) => ({
    expression: new RegExp(pattern, `${flags}g`),
    replacement,
  }));
}

const rule = (pattern: string, replacement = '[x]', flags = ''): RedactRule => ({
  expression: new RegExp(pattern, `${flags}g`),
  replacement,
});

/** What becomes of each piece. */
function slide(rules: readonly RedactRule[], window: number, pieces: readonly string[]): string[] {
  const text = new SlidingText(rules, window);
  const open = pieces.map((piece) => text.push(piece));
  text.end();
  assert.ok(open.every((piece) => piece.isDecided));
  return open.map((piece) => piece.redacted);
}

describe('a text that is redacted in pieces', () => {
  it('becomes what the whole text becomes, for any patterns, texts and pieces', () => {
    for (let seed = 0; seed < 4_000; seed += 1) {
      const random = seededRandom(seed);
      const { patterns, window } = randomPatterns(random);
      const text = randomText(random, Math.floor(random() * 120));
      const pieces = randomPieces(random, text, pick(random, [1, 2, 5, 30, 200]));
      const rules = rulesOf(patterns);
      const story = JSON.stringify({ seed, patterns, window, pieces });
      const expected = redacted(patterns, text);
      assert.equal(redactText(rules, text), expected, story);
      assert.equal(slide(rules, window, pieces).join(''), expected, story);
    }
  });

  it('waits for no more than the window', () => {
    for (const window of [1, 4, 32]) {
      const text = new SlidingText([rule('secret')], window);
      const pieces: Piece[] = [];
      for (let i = 0; i < 200; i += 1) {
        pieces.push(text.push('ab'));
        const decided = pieces.filter((piece) => piece.isDecided).length * 2;
        assert.ok(pieces.length * 2 - decided <= window + 1);
      }
    }
  });

  it('leaves each piece its own part, and a match over several to the first of them', () => {
    const pieces = ['one ', 'se', 'c', 'ret two', ' secret', ' three'];
    assert.deepEqual(slide([rule('secret')], 6, pieces), ['one ', '[x]', '', ' two', ' [x]', ' three']);
  });

  it('sees word borders, and what stands before, across its pieces', () => {
    assert.deepEqual(
      slide([rule(String.raw`\b\d{4}\b`)], 4, ['a', '1234', ' 123', '4', ' 1234', 'b']).join(''),
      'a1234 [x] 1234b',
    );
    assert.deepEqual(
      slide([rule('(?<=key=)\\w{3}')], 8, ['ke', 'y', '=', 'ab', 'c def']).join(''),
      'key=[x] def',
    );
    assert.deepEqual(
      slide([rule('(?<!not )secret')], 6, ['not ', 'secret', ' secret']).join(''),
      'not secret [x]',
    );
    const long = ['key='.padStart(300, 'x'), 'ab', 'c'];
    assert.equal(slide([rule('(?<=key=)\\w{3}')], 4, long).at(-2), '[x]');
  });

  it('takes the beginning and the end of the whole text for its beginning and end only', () => {
    assert.equal(slide([rule('^a|a$')], 1, ['a', 'a', 'a', 'a']).join(''), '[x]aa[x]');
    assert.equal(slide([rule('^a|a$')], 3, Array.from('abababababa')).join(''), '[x]babababab[x]');
  });

  it('replaces a match that is longer than the window, where it is one from early on', () => {
    const key = `sk-${'k3y'.repeat(50)}`;
    for (const length of [1, 3, 50, 1_000]) {
      const text = `${'Your key: '.repeat(9)}${key}, keep it. `.repeat(3);
      const pieces = randomPieces(seededRandom(length), text, length);
      const expected = text.replaceAll(key, '[x]');
      assert.equal(slide([rule('sk-[a-z0-9]{8,}')], 16, pieces).join(''), expected);
    }
  });

  it('replaces a match that does not end as far as it goes, and holds no more of it', () => {
    const text = new SlidingText([rule('a+')], 4);
    const pieces = Array.from({ length: 1_000 }, () => text.push('a'));
    assert.ok(pieces.filter((piece) => !piece.isDecided).length <= 4 * 16);
    text.end();
    const out = pieces.map((piece) => piece.redacted).join('');
    assert.match(out, /^(?:\[x\])+$/);
    assert.ok(out.length <= (1_000 / (4 * 16) + 1) * '[x]'.length);
  });

  it('finds a match of one character with a window of one', () => {
    assert.equal(slide([rule('x')], 1, ['a', 'x', 'x', 'b', 'x']).join(''), 'a[x][x]b[x]');
  });

  it('replaces overlapping matches of several rules as one, with the replacement of the first', () => {
    const rules = [rule('cde', '[2]'), rule('abc', '[1]'), rule('ab', '[0]')];
    for (const pieces of [['xabcdefx'], Array.from('xabcdefx'), ['xab', 'cd', 'efx']]) {
      assert.equal(slide(rules, 3, pieces).join(''), 'x[1]fx');
    }
    assert.equal(redactText([rule('b', '[b]'), rule('a', '[a]')], 'ab'), '[a][b]');
  });

  it('never looks at what it has put in itself, and puts it in as it stands', () => {
    assert.equal(redactText([rule('a', 'b'), rule('b', 'c')], 'ab'), 'bc');
    assert.equal(redactText([rule('a', '$&$1\\')], 'xax'), 'x$&$1\\x');
  });

  it('never leaves half of a character', () => {
    assert.equal(redactText([rule('a.')], 'a🙂b'), '[x]b');
    assert.equal(redactText([rule('\ude42')], 'a🙂b'), 'a[x]b');
    for (const window of [1, 2, 3]) {
      assert.equal(slide([rule('\\ude42')], window, 'a🙂bcd'.split('')).join(''), 'a[x]bcd');
      assert.equal(
        slide([rule('🙂', '[x]', 'u')], window, Array.from('🙂a🙂🙂').join('').split('')).join(''),
        '[x]a[x][x]',
      );
    }
    assert.deepEqual(slide([rule('b')], 1, ['a\ud83d', '\ude42b', 'c']), ['a\ud83d', '\ude42[x]', 'c']);
  });

  it('goes on after an end that was none', () => {
    const text = new SlidingText([rule('ab')], 2);
    const pieces = [text.push('xa')];
    text.end();
    pieces.push(text.push('b'), text.push('ab'));
    text.end();
    assert.deepEqual(
      pieces.map((piece) => piece.redacted),
      ['xa', 'b', '[x]'],
    );
  });

  it('keeps what it holds, and what it searches for each piece, within its window', () => {
    let searched = 0;
    const expression = /secret/g;
    const counting: RedactRule = {
      replacement: '',
      expression: new Proxy(expression, {
        get: (target, key) => {
          if (key !== 'exec') return Reflect.get(target, key, target);
          return (text: string) => {
            searched += text.length;
            return target.exec(text);
          };
        },
        set: (target, key, value) => Reflect.set(target, key, value, target),
      }),
    };
    const text = new SlidingText([counting], 16);
    const pieces = 5_000;
    for (let i = 0; i < pieces; i += 1) text.push('abc');
    assert.ok(searched <= pieces * (3 * 16 + 6), `${searched} characters for ${pieces * 3}`);
  });
});
