import { Readable } from 'node:stream';
import { WebSocketTransport } from '../../src/transports/websocket-transport.ts';
import { transportContract } from '../contract/transport.ts';
import { startStreamBackend } from './stream-backend.ts';

const plain = { method: 'POST', target: '/x', headers: ['host', 'x'], trailers: () => [] };

for (const [name, request, compression = false] of [
  [
    'WebSocket',
    () => ({ ...plain, headers: [...plain.headers, 'content-length', '2'], body: Buffer.from('hi') }),
  ],
  ['WebSocket with trailers', () => ({ ...plain, body: Buffer.from('hi'), trailers: () => ['X-Sum', '1'] })],
  ['WebSocket with a body on its way', () => ({ ...plain, body: Readable.from([Buffer.from('hi')]) })],
  ['WebSocket with compression', () => ({ ...plain, body: Buffer.from('hi') }), true],
] as const) {
  transportContract({
    name,
    create: (url, limits) => new WebSocketTransport({ url, headers: {}, compression }, limits),
    request,
    startBackend: startStreamBackend,
    scheme: 'ws',
    atOnce: (requests) => ({ streamQueriesMax: requests }),
    sharesConnection: true,
  });
}
