import assert from 'node:assert/strict';
import { test } from 'node:test';
import { httpAddress } from '../../src/upstreams/http-address.ts';

test('a WebSocket is at the address of HTTP with the same host and port', () => {
  for (const [address, http] of [
    ['ws://hub:4000/stream', 'http://hub:4000/stream'],
    ['ws://hub/stream', 'http://hub/stream'],
    ['wss://hub/stream', 'https://hub/stream'],
    ['wss://hub:80/', 'https://hub:80/'],
    ['http://a:1/b', 'http://a:1/b'],
    ['https://a/', 'https://a/'],
  ] as const) {
    assert.equal(httpAddress(new URL(address)).href, http);
  }
});
