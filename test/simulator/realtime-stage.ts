import { after, afterEach, before } from 'node:test';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { startFast } from './client.ts';
import { openRealtime, type RealtimeClient } from './realtime-client.ts';

export interface RealtimeStage {
  readonly simulator: Simulator;
  /** Its connection ends with the test. */
  open(model: string, headers?: Record<string, string>): Promise<RealtimeClient>;
}

/** A simulator for the suite that calls this, from its first test to its last. */
export function realtimeStage(): RealtimeStage {
  let simulator: Simulator | undefined;
  const clients: RealtimeClient[] = [];
  before(async () => {
    simulator = await startFast();
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.socket.terminate();
  });
  after(() => simulator?.close());
  return {
    get simulator() {
      if (!simulator) throw new Error('The simulator starts with the first test.');
      return simulator;
    },
    async open(model, headers = {}) {
      const client = await openRealtime(this.simulator.url, model, headers);
      clients.push(client);
      return client;
    },
  };
}
