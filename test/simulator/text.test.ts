import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomOf, tokensOf, writeSentences } from '../../src/simulator/text.ts';

const write = (seed: string, count: number): string[] =>
  writeSentences(randomOf(seed), (tokens) => tokens >= count);

describe('the text of answers', () => {
  it('is decided by its seed', () => {
    assert.deepEqual(write('a', 50), write('a', 50));
    assert.notDeepEqual(write('a', 50), write('b', 50));
  });

  it('is made of whole sentences, with characters of two, three and four bytes', () => {
    const text = write('a', 2_000).join('');
    assert.match(text, /(?:[.。\p{Extended_Pictographic}]|\ufe0f)$/u);
    for (const pattern of [/[\u0080-\u07ff]/, /[\u3040-\u9fff]/, /\p{Extended_Pictographic}/u]) {
      assert.match(text, pattern);
    }
  });

  it('is cut into tokens that lose nothing and split no character', () => {
    for (const text of ['a  b\n\nc', 'naïve Größe 東京の朝 🕰️🙂👩‍🚀 12345!', write('c', 500).join('')]) {
      const tokens = tokensOf(text);
      assert.equal(tokens.join(''), text);
      assert.ok(tokens.every((token) => token.isWellFormed()));
    }
  });
});
