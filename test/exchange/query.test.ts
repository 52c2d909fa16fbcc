import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { SightlineError } from '../../src/errors.ts';
import { Query, type QueryBody } from '../../src/exchange/query.ts';

const queryOf = (body: QueryBody, headers: readonly string[] = []) =>
  new Query({ method: 'POST', target: '/v1/chat/completions?x=1', headers, body });

function refusal(body: QueryBody, headers?: readonly string[]): SightlineError {
  try {
    void queryOf(body, headers).payload;
  } catch (thrown) {
    if (thrown instanceof SightlineError) return thrown;
  }
  return assert.fail('it was read');
}

describe('a query as middleware sees it', () => {
  it('keeps its bytes as long as nobody replaces its payload', () => {
    const body = Buffer.from('{ "model" : "gpt-4o" }');
    const query = queryOf(body);
    assert.equal(query.payload.model, 'gpt-4o');
    assert.equal(query.with({ headers: ['x-a', '1'] }).body, body);
    const rewritten = query.with({ payload: { ...query.payload, seed: 1 } });
    assert.equal(String(rewritten.body), '{"model":"gpt-4o","seed":1}');
    assert.equal(String(rewritten.with({ target: '/other' }).body), '{"model":"gpt-4o","seed":1}');
    assert.equal(query.body, body);
  });

  it('shares its payload frozen', () => {
    const { payload } = queryOf(Buffer.from('{"messages":[{"content":"x"}]}'));
    assert.throws(() => Object.assign(payload, { model: 'x' }), TypeError);
    assert.ok(Object.isFrozen((payload.messages as unknown[])[0]));
  });

  it('is no fault of its readers where its JSON is broken too deep to be looked at', () => {
    const error = refusal(Buffer.from('['.repeat(50_000)));
    assert.equal(error.code, 'malformed_json');
    assert.equal(error.message, 'The body is not valid JSON, and a middleware has to read it.');
  });

  it('says where its JSON breaks off, and nothing of what it says', () => {
    const error = refusal(Buffer.from('{\n  "secret": "abc",\n  "n": ,\n}'));
    assert.equal(error.code, 'malformed_json');
    assert.match(error.message, /at character 28 \(line 3, column 8\)/);
    assert.ok(!error.message.includes('secret'));
  });

  it('refuses what cannot be read: no object, no body, an encoded or a streaming one', () => {
    assert.equal(refusal(Buffer.from('[1]')).code, 'malformed_json');
    assert.equal(refusal(undefined).code, 'content_type_unsupported');
    assert.equal(refusal(Readable.from(['{}'])).code, 'content_type_unsupported');
    assert.match(refusal(Buffer.from('{}'), ['content-encoding', 'gzip']).message, /'gzip' cannot be read/);
  });

  it('lets those who only look see what there is to see', () => {
    assert.deepEqual(queryOf(Buffer.from('{"a":1}')).peek(), { a: 1 });
    assert.equal(queryOf(Buffer.from('{"a":')).peek(), undefined);
    assert.equal(queryOf(Buffer.from('{}'), ['content-encoding', 'br']).peek(), undefined);
    assert.equal(queryOf(undefined).peek(), undefined);
    assert.deepEqual(queryOf(Buffer.from('{}'), ['content-encoding', 'identity']).peek(), {});
  });
});
