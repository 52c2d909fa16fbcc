import type { Exchange } from '../../exchange/exchange.ts';
import { replyHeaders } from '../../flow/reply-headers.ts';
import type { RawHeaders } from '../../wire/headers.ts';
import type { Extensions } from '../../wire/websocket/frame-parser.ts';

/** The upstream's 101 for the client: as it came, with what every reply gets. */
export function switchingHead(exchange: Exchange, statusMessage: string, headers: RawHeaders): string {
  // They concern one connection each; here both of them are the WebSocket.
  const own: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string;
    if (/^(?:upgrade|connection)$/i.test(name)) own.push(name, headers[i + 1] as string);
  }
  const fields = [...own, ...replyHeaders(exchange, headers)];
  let head = `HTTP/1.1 101 ${statusMessage}\r\n`;
  for (let i = 0; i + 1 < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return `${head}\r\n`;
}

/** What the upstream has agreed to (RFC 6455 §9.1). */
export function agreedExtensions(headers: RawHeaders): Extensions {
  let agreed: Extensions = 'none';
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if ((headers[i] as string).toLowerCase() !== 'sec-websocket-extensions') continue;
    for (const extension of (headers[i + 1] as string).split(',')) {
      const name = extension.split(';', 1)[0]?.trim().toLowerCase();
      if (name === '') continue;
      if (name !== 'permessage-deflate') return 'other';
      agreed = 'deflate';
    }
  }
  return agreed;
}
