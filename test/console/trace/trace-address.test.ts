import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readRoute } from '../../../src/console/page/route.ts';
import { traceAddress } from '../../../src/console/page/trace/trace-address.ts';
import { lineOf } from '../live/exchange-lines.ts';

const placeOf = (line: Parameters<typeof lineOf>[0]) => {
  const { id, query } = readRoute(traceAddress(lineOf({ traceId: '4bf9', ...line })) ?? '');
  return { id, ...Object.fromEntries(query) };
};

describe('the address of the trace of an exchange', () => {
  it('names the exchange by its span, since clients may use an id twice, and leaves the choice of a span open', () => {
    assert.deepEqual(placeOf({ id: 'twice', spanId: 'b7ad' }), { id: '4bf9', exchange: 'b7ad' });
    const { spanId: _, ...line } = lineOf({ id: 'once', traceId: '4bf9' });
    assert.equal(traceAddress(line), '#/traces/4bf9?exchange=once');
  });

  it('is none where nothing was recorded', () => {
    assert.equal(traceAddress(lineOf({ traceId: '4bf9', isSampled: false })), undefined);
    assert.equal(traceAddress(lineOf()), undefined);
  });
});
