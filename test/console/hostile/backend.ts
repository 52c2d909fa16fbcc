import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { hostile, hostileWord, strange } from './texts.ts';

/** The model that it refuses. */
export const refusedModel = 'refused';

/** A model backend that answers with markup wherever an answer has a text. */
export async function startHostileBackend() {
  const server = createServer(async (request, response) => {
    const body = (await json(request).catch(() => ({}))) as { model?: string; stream?: boolean };
    response.setHeader('x-request-id', hostileWord('upstream-id'));
    if (body.model === refusedModel) refuse(response);
    else if (body.stream) stream(response);
    else response.setHeader('content-type', 'text/html').end(hostile('no stream'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function refuse(response: ServerResponse): void {
  const error = { message: hostile('refusal'), type: hostile('error type'), code: hostileWord('code') };
  response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
}

/** Chat completions of OpenAI, as server-sent events. */
function stream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const say = (delta: object, finish_reason: string | null = null) => {
    const head = { id: hostile('reply id'), object: 'chat.completion.chunk', model: hostile('reply model') };
    response.write(`data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
  };
  const called = { name: hostile('called tool'), arguments: JSON.stringify({ a: hostile('arguments') }) };
  say({ role: 'assistant', reasoning_content: hostile('thought') });
  say({ content: hostile('answer') });
  say({ content: strange });
  say({ tool_calls: [{ index: 0, id: hostile('call id'), type: 'function', function: called }] });
  say({}, hostile('finish'));
  response.end('data: [DONE]\n\n');
}
