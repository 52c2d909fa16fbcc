import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Message } from '../../../src/dialects/content/content.ts';
import { cutText } from '../../../src/dialects/content/cut-text.ts';
import { Fitting } from '../../../src/dialects/content/fitting.ts';
import { Random } from '../../support/random.ts';

const said = (role: string, ...texts: string[]): Message => ({
  role,
  parts: texts.map((content) => ({ type: 'text', content })),
});

/** A value with everything that JSON has, and what it writes in more characters than there are. */
function anything(random: Random, depth = 0): unknown {
  const texts = ['plain', '', '"\\\n\u0001', '😀🔎', 'é\u2028', '\ud83d', 'x'.repeat(40)];
  switch (random.integer(0, depth > 3 ? 3 : 6)) {
    case 0:
      return random.integer(-1_000, 1_000) / 7;
    case 1:
      return random.pick([null, true, false]);
    case 2:
    case 3:
      return Array.from({ length: random.integer(0, 4) }, () => random.pick(texts)).join('');
    case 4:
      return Array.from({ length: random.integer(0, 5) }, () => anything(random, depth + 1));
    default: {
      const keys = Array.from({ length: random.integer(0, 4) }, () => random.pick([...texts, '__proto__']));
      return Object.fromEntries(keys.map((key) => [key, anything(random, depth + 1)]));
    }
  }
}

describe('fitting', () => {
  it('leaves what has room as it is, to the last character', () => {
    const messages = [said('user', 'Hello "you"\n😀'), said('assistant')];
    const { length } = JSON.stringify(messages);
    for (const order of ['messages', 'newestMessages'] as const) {
      const exact = new Fitting(length);
      assert.deepEqual(exact[order](messages), messages);
      assert.deepEqual([exact.left, exact.isCut], [0, false]);
      const short = new Fitting(length - 1);
      assert.notDeepEqual(short[order](messages), messages);
      assert.equal(short.isCut, true);
    }
  });

  it('cuts the ends off texts, and leaves out what comes last', () => {
    const messages = [said('user', 'a'.repeat(100)), said('user', 'b'.repeat(100))];
    assert.deepEqual(new Fitting(221).messages(messages), [
      said('user', 'a'.repeat(100)),
      said('user', 'b'.repeat(10)),
    ]);
  });

  it('keeps the newest of a conversation', () => {
    const messages = [said('user', 'a'.repeat(100)), said('user', 'b'.repeat(100), 'c'.repeat(100))];
    const [message, ...others] = new Fitting(250).newestMessages(messages);
    assert.deepEqual(others, []);
    const [first, second] = message?.parts ?? [];
    assert.match(String(first?.content), /^b{20,99}$/);
    assert.equal(second?.content, 'c'.repeat(100));
  });

  it('counts what JSON makes of a text', () => {
    const json = JSON.stringify(new Fitting(200).messages([said('user', '\u0001'.repeat(500))]));
    assert.ok(json.length <= 200 && json.length > 190, json);
  });

  it('always gives whole JSON within its room, and says whether something is left out', () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const random = new Random(seed);
      const messages = Array.from({ length: random.integer(0, 4) }, () => ({
        role: 'tool',
        parts: [{ type: 'tool_call_response', response: anything(random) }],
      }));
      const whole = JSON.stringify(messages);
      const charsMax = random.integer(0, whole.length + 10);
      const fitting = new Fitting(charsMax);
      const fitted = random.chance(0.5) ? fitting.messages(messages) : fitting.newestMessages(messages);
      const json = JSON.stringify(fitted);
      if (charsMax >= 2) assert.equal(fitting.left, charsMax - json.length, `seed ${seed}`);
      assert.equal(fitting.isCut, json !== whole || charsMax < 2, `seed ${seed}`);
      if (charsMax >= whole.length) assert.equal(json, whole);
    }
  });

  it('stops soon, however large a value is', () => {
    const endless = { role: 'user', parts: [{ type: 'text', content: 'x' }] };
    const list = new Proxy(
      Array.from({ length: 1_000_000 }, () => endless),
      {
        get: (target, key) => {
          if (typeof key === 'string' && Number(key) > 100) throw new Error('looked at too many');
          return Reflect.get(target, key) as unknown;
        },
      },
    );
    assert.equal(new Fitting(200).messages(list).length, 3);
  });
});

describe('cutting a text', () => {
  it('never leaves half of a character', () => {
    const text = 'a😀b🔎';
    assert.deepEqual(
      Array.from({ length: 7 }, (_, charsMax) => cutText(text, charsMax)),
      ['', 'a', 'a', 'a😀', 'a😀b', 'a😀b', 'a😀b🔎'],
    );
  });
});
