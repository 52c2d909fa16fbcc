import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedTexts } from '../../../src/telemetry/recent/shared-texts.ts';

test('texts come back as they were, also where many want the same slot', () => {
  const texts = new SharedTexts(64);
  for (let round = 0; round < 2; round += 1) {
    for (let n = 0; n < 5_000; n += 1) {
      const text = `/v1/files/file-${n}`;
      assert.equal(texts.share(text), text);
    }
  }
  assert.equal(texts.share(''), '');
  assert.equal(texts.share(undefined), undefined);
});

test('texts are cut off at their bound', () => {
  const texts = new SharedTexts(4);
  assert.deepEqual([texts.share('abcd'), texts.share('abcdef')], ['abcd', 'abcd']);
});
