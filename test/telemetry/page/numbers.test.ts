import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundText } from '../../../src/telemetry/page/numbers.ts';

/** The specification's own, and the bounds of token counts. */
const canonical = [
  '0.0 0.001 0.002 0.01 0.1 0.9 0.95 0.99 0.999 1.0 1.7 10.0',
  '1e-10 1e-09 1e-05 0.0001 0.1 1.0 100000.0 1e+06 1e+10',
  '5e-05 0.00025 81.92 262144.0 1.048576e+06 6.7108864e+07 1e+23 1.1e+23 1.7976931348623157e+308 5e-324',
  '-1.0 -0.5 -1e-05 -1e+06',
].flatMap((line) => line.split(' '));

for (const text of canonical) {
  test(`the bound ${text} is written so`, () => assert.equal(boundText(Number(text)), text));
}

test('the bounds of everything', () => {
  assert.deepEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0].map(boundText), [
    '+Inf',
    '-Inf',
    '0.0',
  ]);
});
