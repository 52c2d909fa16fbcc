import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { generated, outdated } from '../scripts/generated.ts';

function committed(path: string): string {
  const file = new URL(`../${path}`, import.meta.url);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

describe('files that are made from the code', () => {
  test('are what the code makes (npm run generate)', () => {
    assert.deepEqual(outdated(committed), []);
  });

  for (const path of Object.keys(generated)) {
    test(`would be found out of date: ${path}`, () => {
      const text = committed(path);
      // The rest of the README is written by hand.
      const begin = text.indexOf('<!-- generated: ') + 1;
      const place = text.indexOf('a', begin + 40);
      const changed = `${text.slice(0, place)}b${text.slice(place + 1)}`;
      assert.deepEqual(
        outdated((one) => (one === path ? changed : (generated[one]?.(committed(one)) ?? ''))),
        [path],
      );
    });
  }
});
