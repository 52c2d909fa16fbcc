import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { defaultLimits } from '../../../src/limits.ts';
import { WebSocketTransport } from '../../../src/transports/websocket-transport.ts';

/** The extensions that a transport offers in its handshake. */
async function offered(compression: boolean): Promise<string | undefined> {
  let extensions: string | undefined;
  const server = createServer().on('upgrade', (request, socket) => {
    extensions = request.headers['sec-websocket-extensions'];
    socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/stream`);
  const transport = new WebSocketTransport({ url, headers: {}, compression }, defaultLimits);
  await assert.rejects(transport.connect(), /401/);
  await transport.close(0);
  server.close();
  return extensions;
}

it('compression is offered where the configuration wants it, without a window that stays', async () => {
  assert.equal(await offered(false), undefined);
  assert.match((await offered(true)) ?? '', /permessage-deflate.*no_context_takeover/);
});
