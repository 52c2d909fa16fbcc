import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ExchangeSeats } from '../../../src/plugins/worker/exchange-seats.ts';
import { sampleExchange } from './workshop.ts';

function seats() {
  const over: number[] = [];
  const ledger = new ExchangeSeats((numbers) => over.push(...numbers));
  return { ledger, over };
}

const leaving = { afterResponse: true, onError: true };

describe('what a worker keeps of an exchange', () => {
  it('is kept as long as the exchange runs, and some seconds longer for the hooks after its end', () => {
    const { ledger, over } = seats();
    const exchange = sampleExchange();
    const seat = ledger.of(exchange.view);
    assert.equal(ledger.of(exchange.view), seat);
    ledger.sweep(1e9);
    exchange.end('completed', undefined);
    ledger.sweep(2e9);
    ledger.sweep(2e9 + 4_999);
    assert.deepEqual(over, []);
    ledger.sweep(2e9 + 5_000);
    assert.deepEqual(over, [seat.number]);
    assert.equal(ledger.size, 0);
    ledger.clear();
  });

  it('is kept while a call is under way', () => {
    const { ledger, over } = seats();
    const exchange = sampleExchange();
    const seat = ledger.of(exchange.view);
    seat.calls = 1;
    exchange.end('completed', undefined);
    ledger.sweep(1e9);
    ledger.sweep(2e9);
    assert.deepEqual(over, []);
    seat.calls = 0;
    ledger.sweep(3e9);
    ledger.sweep(4e9);
    assert.deepEqual(over, [seat.number]);
    ledger.clear();
  });

  for (const outcome of ['completed', 'failed'] as const) {
    it(`is kept for a middleware that is still to leave an exchange that has ${outcome}`, () => {
      const { ledger, over } = seats();
      const exchange = sampleExchange();
      const seat = ledger.of(exchange.view);
      seat.entered.set(0, leaving);
      exchange.end(outcome, undefined);
      ledger.sweep(1e9);
      ledger.sweep(1e9 + 10_000);
      assert.deepEqual(over, []);
      ledger.sweep(1e9 + 60_000);
      assert.deepEqual(over, [seat.number]);
      ledger.clear();
    });
  }

  it('is not kept for a middleware that will not be told', () => {
    const { ledger, over } = seats();
    const exchange = sampleExchange();
    const seat = ledger.of(exchange.view);
    seat.entered.set(0, { afterResponse: false, onError: true });
    exchange.end('completed', undefined);
    ledger.sweep(1e9);
    ledger.sweep(1e9 + 5_000);
    assert.deepEqual(over, [seat.number]);
    ledger.clear();
  });

  it('crosses as a whole once, and as what is known by now from then on', () => {
    const { ledger } = seats();
    const exchange = sampleExchange();
    const seat = ledger.of(exchange.view);
    assert.equal(ledger.plain(seat).head?.id, exchange.id);
    exchange.status = 201;
    const again = ledger.plain(seat);
    assert.equal(again.head, undefined);
    assert.equal(again.state.status, 201);
    ledger.clear();
  });
});
