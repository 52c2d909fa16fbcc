import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Heartbeat } from '../../../src/session/relay/heartbeat.ts';

const limits = { pingIntervalMs: 5, pongTimeoutMs: 5 };

describe('the heartbeat', () => {
  it('takes a peer that takes what is sent for one that is there', async () => {
    const { promise: lost, resolve } = Promise.withResolvers<void>();
    let taken = 0;
    let asked = 0;
    const heartbeat = new Heartbeat({
      limits,
      ping: () => true,
      taken: () => {
        asked += 1;
        if (asked < 20) taken += 1;
        return taken;
      },
      onLost: resolve,
    });
    await lost;
    assert.ok(asked >= 20);
    heartbeat.stop();
  });

  it('waits where no ping can be sent', async () => {
    const { promise: lost, resolve } = Promise.withResolvers<void>();
    let pings = 0;
    const heartbeat = new Heartbeat({
      limits,
      ping: () => {
        pings += 1;
        return pings > 3;
      },
      taken: () => 0,
      onLost: resolve,
    });
    await lost;
    assert.equal(pings, 4);
    heartbeat.stop();
  });

  it('stops', async () => {
    let pings = 0;
    const heartbeat = new Heartbeat({
      limits,
      ping: () => {
        pings += 1;
        return true;
      },
      taken: () => 0,
      onLost: () => assert.fail('lost'),
    });
    heartbeat.stop();
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(pings, 0);
  });
});
