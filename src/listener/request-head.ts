import type { IncomingMessage } from 'node:http';
import type { RequestHead } from '../exchange/exchange.ts';
import { requestId } from '../exchange/request-id.ts';

/** What an exchange is called, and its request's head as it came. `target`, `path`: in origin form. */
export function readHead(
  request: IncomingMessage,
  target: string,
  path: string,
): { id: string; isClients: boolean; head: RequestHead } {
  const sent = request.headers['x-request-id'];
  const { id, isClients } = requestId(typeof sent === 'string' ? sent : undefined);
  const { method = 'GET', rawHeaders: headers, httpVersion } = request;
  return { id, isClients, head: { method, target, path, headers, httpVersion } };
}
