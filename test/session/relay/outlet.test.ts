import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { Outlet } from '../../../src/session/relay/outlet.ts';

/** A connection whose peer takes a byte at each look of the outlet, so many times. */
class SlowSocket extends EventEmitter {
  writableNeedDrain = false;
  looks = 0;
  readonly #takes: number;

  constructor(takes: number) {
    super();
    this.#takes = takes;
  }

  get writableLength(): number {
    return 1_000;
  }

  get bytesWritten(): number {
    this.looks += 1;
    return 1_000 + Math.min(this.looks, this.#takes);
  }

  write(): boolean {
    return true;
  }
}

describe('an outlet', () => {
  it('takes a peer for stalled that takes nothing, and not one that is slow', async () => {
    const socket = new SlowSocket(10);
    const { promise: stalled, resolve } = Promise.withResolvers<void>();
    const ignore = () => undefined;
    const outlet = new Outlet(socket as unknown as Socket, {
      isMasked: false,
      stallTimeoutMs: 2,
      onFull: ignore,
      onRoom: ignore,
      onClosed: ignore,
      onStall: resolve,
    });
    outlet.forward(Buffer.alloc(1), false, false);
    await stalled;
    assert.ok(socket.looks >= 10);
    outlet.stop();
  });
});
