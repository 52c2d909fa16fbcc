import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  dialectFor,
  dialectNamed,
  dialects,
  genericProblemBody,
  sessionDialects,
} from '../../src/dialects/index.ts';

describe('the list of dialects', () => {
  const name = (path: string, method = 'POST') => dialectFor(method, path)?.name;

  it('has each name once', () => {
    const all = [...dialects, ...sessionDialects];
    assert.equal(new Set(all.map((dialect) => dialect.name)).size, all.length);
    for (const dialect of all) assert.equal(dialectNamed(dialect.name), dialect);
    assert.equal(dialectNamed('none'), undefined);
    assert.equal(dialectNamed(undefined), undefined);
  });

  it('gives a path to one dialect at most', () => {
    for (const { path } of dialects) {
      assert.equal(dialects.filter((dialect) => dialect.matches('POST', path)).length, 1, path);
    }
  });

  it('knows paths below a base path and in the style of Azure', () => {
    assert.equal(name('/openai/deployments/gpt-4o/chat/completions'), 'openai.chat');
    assert.equal(name('/openai/deployments/e/embeddings'), 'openai.embeddings');
    assert.equal(name('/openai/deployments/i/completions'), 'openai.completions');
    assert.equal(name('/openai/v1/responses'), 'openai.responses');
    assert.equal(name('/chat/completions'), 'openai.chat');
    assert.equal(name('/api/anthropic/v1/messages'), 'anthropic.messages');
  });

  it('leaves neighbours of these paths alone', () => {
    const neighbours = [
      '/v1/threads/thread_1/messages',
      '/v1/messages/count_tokens',
      '/v1/messages/batches',
      '/v1/responses/resp_1',
      '/v1/responses/input_tokens',
      '/v1/responses/resp_1/cancel',
      '/v1/chat/completions/chatcmpl_1',
      '/v1/fim/completions',
      '/v1/models',
      '/',
      '',
    ];
    for (const path of neighbours) assert.equal(name(path), undefined, path);
    assert.equal(name('/v1/chat/completions', 'GET'), undefined);
  });

  it('has a shape for errors where no dialect is spoken', () => {
    const problem = { code: 'route_unknown', message: 'm', status: 404, requestId: 'r', traceId: 't' };
    assert.deepEqual(genericProblemBody(problem), {
      error: {
        type: 'invalid_request_error',
        code: 'route_unknown',
        message: 'm',
        request_id: 'r',
        trace_id: 't',
      },
    });
  });
});
