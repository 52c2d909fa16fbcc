import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { builtinMiddleware, createMiddleware } from '../../../src/middleware/builtin/index.ts';

describe('the middleware of the configuration', () => {
  it('is made in its order, each under its own name', () => {
    const tags = { name: 'request-tags', options: { tags: {} } };
    const redact = { name: 'redact', options: { patterns: ['email'] } };
    const usage = { name: 'stream-usage', options: undefined };
    for (const entries of [[tags, redact, usage], [usage, redact, tags], []]) {
      assert.deepEqual(
        createMiddleware(entries).map(({ name }) => name),
        entries.map(({ name }) => name),
      );
    }
  });

  it('is known by name, and each has a line for people', () => {
    const names = builtinMiddleware.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { summary } of builtinMiddleware) assert.match(summary, /^[A-Z].*\.$/);
  });

  it('is refused where its name is unknown or there already', () => {
    const refused = (names: readonly string[], message: string) =>
      assert.throws(() => createMiddleware(names.map((name) => ({ name, options: undefined }))), {
        name: 'MiddlewareOptionsError',
        message,
      });
    refused(['redcat'], 'middleware[0] is "redcat"; expected one of request-tags, redact, stream-usage.');
    refused(['stream-usage', 'stream-usage'], 'middleware[1] is "stream-usage" again; expected each once.');
  });
});
