import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defaultLimits } from '../../../src/limits.ts';
import { Call } from '../../../src/transports/websocket/call.ts';
import { Seats } from '../../../src/transports/websocket/seats.ts';
import { Receipt } from '../../contract/transport-backend.ts';

const carrier = { withdrawn: () => undefined, answered: () => undefined, turnedAway: () => undefined };

const connection = {
  seats: new Seats(1),
  isOnPace: () => true,
  send: () => undefined,
  refuse: () => undefined,
  close: () => undefined,
};

it('the wait for the next piece of a reply begins with each piece', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const receipt = new Receipt();
  const limits = { ...defaultLimits, replyHeadTimeoutMs: 1_000, replyIdleTimeoutMs: 100 };
  const call = new Call('POST', carrier, receipt, limits);
  call.sent(1, connection);
  t.mock.timers.tick(999);
  call.receive({ type: 'chunk', id: 1, status: 200, text: 'x' });
  for (let i = 0; i < 10; i += 1) {
    t.mock.timers.tick(99);
    call.receive({ type: 'chunk', id: 1, text: 'x' });
  }
  assert.equal(receipt.body.length, 11);
  t.mock.timers.tick(99);
  assert.ok(!receipt.calls.includes('error'));
  t.mock.timers.tick(1);
  assert.equal(receipt.error?.code, 'upstream_timeout');
});

it('the wait for a head does not end with a pause: there is nothing yet that could be held', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const receipt = new Receipt();
  const call = new Call('POST', carrier, receipt, { ...defaultLimits, replyHeadTimeoutMs: 1_000 });
  call.sent(1, connection);
  call.pause();
  t.mock.timers.tick(1_000);
  assert.equal(receipt.error?.code, 'upstream_timeout');
});

it('what is granted keeps to the pace of the connection, and is made up for', () => {
  const sent: string[] = [];
  let isOnPace = true;
  const paced = { ...connection, isOnPace: () => isOnPace, send: (message: string) => sent.push(message) };
  const call = new Call('POST', carrier, new Receipt(), { ...defaultLimits, streamWindowBytes: 4 });
  call.sent(1, paced);
  const takeTwo = () => call.receive({ type: 'chunk', id: 1, status: 200, text: 'xx' });
  takeTwo();
  isOnPace = false;
  takeTwo();
  call.grant();
  assert.deepEqual(sent, ['{"type":"window","bytes":2,"id":1}']);
  isOnPace = true;
  call.grant();
  call.grant();
  assert.deepEqual(sent.slice(1), ['{"type":"window","bytes":2,"id":1}']);
  call.abort();
});
