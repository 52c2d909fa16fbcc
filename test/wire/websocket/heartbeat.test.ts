import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Heartbeat, type Patient } from '../../../src/wire/websocket/heartbeat.ts';

const limits = { pingIntervalMs: 1_000, pongTimeoutMs: 100 };

function watch(context: TestContext, { goesOn = false } = {}) {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const calls: string[] = [];
  const patient: Patient & { bytesRead: number; isHeld: boolean } = {
    bytesRead: 0,
    isHeld: false,
    ping: () => void calls.push('ping'),
    silent: () => {
      calls.push('silent');
      return goesOn;
    },
  };
  const heartbeat = new Heartbeat(patient, limits);
  const tick = (ms: number) => context.mock.timers.tick(ms);
  return { calls, patient, heartbeat, tick };
}

describe('a heartbeat', () => {
  it('asks after silence, and gives up where no answer comes', (context) => {
    const { calls, tick } = watch(context);
    tick(999);
    assert.deepEqual(calls, []);
    tick(1);
    assert.deepEqual(calls, ['ping']);
    tick(99);
    assert.deepEqual(calls, ['ping']);
    tick(1);
    assert.deepEqual(calls, ['ping', 'silent']);
    tick(100_000);
    assert.deepEqual(calls, ['ping', 'silent']);
  });

  it('takes any byte for life, also a part of a long message', (context) => {
    const { calls, patient, tick } = watch(context);
    for (let i = 0; i < 5; i += 1) {
      patient.bytesRead += 1;
      tick(1_000);
    }
    assert.deepEqual(calls, []);
    tick(1_000);
    patient.bytesRead += 1;
    tick(100);
    assert.deepEqual(calls, ['ping']);
    tick(1_000);
    assert.deepEqual(calls, ['ping', 'ping']);
  });

  it('holds nobody guilty of a silence that is ours', (context) => {
    const { calls, patient, tick } = watch(context);
    patient.isHeld = true;
    tick(10_000);
    assert.deepEqual(calls, []);
    patient.isHeld = false;
    tick(1_000);
    tick(100);
    assert.deepEqual(calls, ['ping', 'silent']);
  });

  it('waits for what may have come while nothing was read', (context) => {
    const { calls, patient, heartbeat, tick } = watch(context);
    tick(1_000);
    patient.isHeld = true;
    tick(50);
    patient.isHeld = false;
    heartbeat.heard(performance.now());
    tick(50);
    assert.deepEqual(calls, ['ping']);
    tick(1_000);
    assert.deepEqual(calls, ['ping', 'ping']);
  });

  it('goes on where it is told to, and stops where it is told to', (context) => {
    const { calls, heartbeat, tick } = watch(context, { goesOn: true });
    tick(1_000);
    tick(100);
    tick(100);
    assert.deepEqual(calls, ['ping', 'silent', 'silent']);
    heartbeat.stop();
    tick(10_000);
    assert.deepEqual(calls, ['ping', 'silent', 'silent']);
  });
});
