import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reconnectDelay } from '../../../src/transports/websocket/reconnect-delay.ts';

const limits = { reconnectDelayMs: 100, reconnectDelayMsMax: 1_000 };

test('the wait doubles with each try, up to its bound, and half of it is random', () => {
  const waits = [1, 2, 3, 4, 5, 60].map((tries) => [
    reconnectDelay(tries, limits, 0),
    reconnectDelay(tries, limits, 0.5),
    reconnectDelay(tries, limits, 1),
  ]);
  assert.deepEqual(waits, [
    [50, 75, 100],
    [100, 150, 200],
    [200, 300, 400],
    [400, 600, 800],
    [500, 750, 1_000],
    [500, 750, 1_000],
  ]);
});
