import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { dialectFor } from '../../src/dialects/index.ts';
import { serializeSseEvent } from '../../src/wire/sse-event.ts';

const problem = {
  code: 'blocked',
  message: 'No card numbers, please.',
  status: 403,
  requestId: 'request-1',
  traceId: '0af7651916cd43dd8448eb211c80319c',
};

/** Answers every request with the problem: as a body, or where a stream is asked for, as its first event. */
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    const dialect = dialectFor(request.method ?? '', request.url ?? '');
    assert.ok(dialect);
    if (dialect.readQuery(JSON.parse(body)).stream) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(serializeSseEvent(dialect.problemEvent(problem)));
    } else {
      response.writeHead(problem.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(dialect.problemBody(problem)));
    }
  });
});

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

describe('an error of ours, as the SDKs show it', () => {
  let origin = '';
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  it('reaches a user of openai', async () => {
    const { chat, completions, embeddings, responses } = new OpenAI({
      apiKey: 'k',
      baseURL: `${origin}/v1`,
      maxRetries: 0,
    });
    const messages = [{ role: 'user' as const, content: 'x' }];
    const whole = { message: `403 ${problem.message}`, status: 403, code: 'blocked' };
    await assert.rejects(chat.completions.create({ model: 'm', messages }), whole);
    await assert.rejects(completions.create({ model: 'm', prompt: 'x' }), whole);
    await assert.rejects(embeddings.create({ model: 'm', input: 'x' }), whole);
    await assert.rejects(responses.create({ model: 'm', input: 'x' }), whole);

    const event = { message: problem.message, code: 'blocked' };
    await assert.rejects(
      async () => drain(await chat.completions.create({ model: 'm', messages, stream: true })),
      event,
    );
    await assert.rejects(
      async () => drain(await completions.create({ model: 'm', prompt: 'x', stream: true })),
      event,
    );
    await assert.rejects(
      async () => drain(await responses.create({ model: 'm', input: 'x', stream: true })),
      event,
    );
  });

  it('reaches a user of @anthropic-ai/sdk', async () => {
    const { messages } = new Anthropic({ apiKey: 'k', baseURL: origin, maxRetries: 0 });
    const query = { model: 'm', max_tokens: 1, messages: [{ role: 'user' as const, content: 'x' }] };
    const shown = { apiMessage: problem.message, type: 'permission_error' };
    await assert.rejects(messages.create(query), { ...shown, status: 403 });
    await assert.rejects(async () => drain(await messages.create({ ...query, stream: true })), shown);
  });
});
