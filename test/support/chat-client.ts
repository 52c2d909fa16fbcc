import { once } from 'node:events';
import http from 'node:http';
import type { Service } from '../../src/service.ts';

export interface Sent {
  readonly request: http.ClientRequest;
  /** The reply's head; rejects where none came. */
  readonly head: Promise<http.IncomingMessage>;
}

/** One chat query over a connection of its own. */
export function sendChat(
  service: Service,
  id: string,
  model: string,
  stream = true,
  path = '/v1/chat/completions',
): Sent {
  const body = JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hello!' }] });
  const request = http.request(service.dataUrl + path, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', 'x-request-id': id },
  });
  const head = once(request, 'response').then(([response]) => response as http.IncomingMessage);
  head.catch(() => undefined);
  request.on('error', () => undefined);
  request.end(body);
  return { request, head };
}

/** Reads until the text has come; the reply stays open. */
export async function readUntil(response: http.IncomingMessage, text: string): Promise<string> {
  let read = '';
  for await (const chunk of response.iterator({ destroyOnReturn: false })) {
    read += String(chunk);
    if (read.includes(text)) return read;
  }
  throw new Error(`the reply ended before '${text}': ${read}`);
}

/** Reads to the end; tells whether it was a clean one. */
export async function readToEnd(response: http.IncomingMessage): Promise<{ text: string; isClean: boolean }> {
  let text = '';
  try {
    for await (const chunk of response) text += String(chunk);
    return { text, isClean: response.complete };
  } catch {
    return { text, isClean: false };
  }
}
