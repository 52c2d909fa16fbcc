import type { IncomingMessage } from 'node:http';
import type { PerMessageDeflateOptions } from 'ws';

/**
 * permessage-deflate (RFC 7692) with bounded memory. Each message is compressed by itself, so small ones, as most
 * events are, go as they are. ws keeps both zlib streams of a connection from its first compressed message on:
 * 130 KiB with this window, 250 KiB with the usual one, for replies that come out equally small. A thousand
 * browsers that all have had a large reply cost 130 MiB; those that have not, nothing.
 */
export const compression: PerMessageDeflateOptions = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: 12,
  zlibDeflateOptions: { level: 3, memLevel: 5 },
  threshold: 1_024,
  // Of the four threads that Node has for this, file access and name resolution.
  concurrencyLimit: 2,
};

/** ws refuses a handshake that wants a smaller window of ours than it has; without compression it is answered. */
export function wantsCompression({ headers }: IncomingMessage): boolean {
  const offer = headers['sec-websocket-extensions'];
  return offer !== undefined && !/server_max_window_bits/i.test(offer);
}
