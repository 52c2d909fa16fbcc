import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultLimits } from '../../src/limits.ts';
import { HttpTransport } from '../../src/transports/http-transport.ts';
import { createTransport } from '../../src/transports/index.ts';
import { WebSocketTransport } from '../../src/transports/websocket-transport.ts';

const upstream = (address: string) => ({
  url: new URL(address),
  limits: defaultLimits,
  headers: {},
  compression: false,
});

test('the scheme of an address chooses the transport', () => {
  for (const [address, kind] of [
    ['http://a', HttpTransport],
    ['https://a', HttpTransport],
    ['ws://a', WebSocketTransport],
    ['wss://a', WebSocketTransport],
  ] as const) {
    assert.ok(createTransport(upstream(address)) instanceof kind, address);
  }
  assert.throws(() => createTransport(upstream('ftp://a')), /no transport for 'ftp:'/);
});
