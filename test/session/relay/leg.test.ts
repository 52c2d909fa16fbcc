import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { defaultLimits } from '../../../src/limits.ts';
import { Leg, type LegWatcher } from '../../../src/session/relay/leg.ts';

const limits = { ...defaultLimits, pingIntervalMs: 5, pongTimeoutMs: 5 };

/** A side whose connection takes what it is told to, and says nothing. */
function silentLeg(taken: () => number): { leg: Leg; lost: Promise<void>; written: Buffer[] } {
  const { promise: lost, resolve } = Promise.withResolvers<void>();
  const written: Buffer[] = [];
  const socket = new Socket();
  socket.write = (bytes: Buffer) => {
    written.push(bytes);
    return true;
  };
  Object.defineProperty(socket, 'bytesWritten', { get: taken });
  const nothing = () => undefined;
  const watcher: LegWatcher = {
    onFull: nothing,
    onRoom: nothing,
    onOutletClosed: nothing,
    onStall: nothing,
    onLost: () => resolve(),
    onEnd: nothing,
    onGone: nothing,
  };
  return { leg: new Leg({ peer: 'client', socket, limits, watcher }), lost, written };
}

describe('a side of a session that is silent', () => {
  it('is there as long as it takes what is sent', async () => {
    let asked = 0;
    const { leg, lost } = silentLeg(() => {
      asked += 1;
      return Math.min(asked, 20);
    });
    await lost;
    assert.ok(asked >= 20);
    leg.cut();
  });

  it('is asked when the frame on its way to it has ended, and not given up before', async () => {
    let looks = 0;
    const { leg, lost, written } = silentLeg(() => {
      looks += 1;
      // Its end: from here on there is room for a ping.
      if (looks === 5) leg.outlet.forward(Buffer.from('the end'), false, false);
      return 0;
    });
    leg.outlet.forward(Buffer.from('the beginning'), true, true);
    await lost;
    assert.deepEqual(
      written.map((bytes) => bytes.toString('latin1', 0, 2)),
      ['th', 'th', '\x89\x08'],
    );
    leg.cut();
  });
});
