import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseBody } from '../../../src/console/page/try/body.ts';

describe('a body that somebody writes', () => {
  it('is what is sent', () => {
    assert.deepEqual(parseBody(' {"model":"x"}\n'), { body: { model: 'x' } });
  });

  it('tells line and column of what is wrong', () => {
    const { problem, ...place } = parseBody('{\n  "model": "x",\n  "a" 1\n}') as never as Record<
      string,
      unknown
    >;
    assert.deepEqual(place, { line: 3, column: 7 });
    assert.match(String(problem), /, at line 3, column 7\.$/);
    assert.doesNotMatch(String(problem), /position/);
  });

  it('tells its end as the place of what is missing', () => {
    const parsed = parseBody('{\n  "model": "x"');
    assert.ok(parsed.problem);
    assert.equal(parsed.line, 2);
  });

  it('must be an object', () => {
    for (const text of ['[]', '7', 'null', '"x"'])
      assert.match(parseBody(text).problem ?? '', /^A JSON object/);
    assert.match(parseBody('  ').problem ?? '', /empty/);
  });
});
