import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apis, simulatedModels } from '../../../src/console/page/try/apis.ts';
import {
  bodyText,
  firstState,
  noCredential,
  queryOf,
  withApi,
} from '../../../src/console/page/try/form-state.ts';
import { dialectFor } from '../../../src/dialects/index.ts';
import { faultOf } from '../../../src/simulator/faults.ts';

const upstreams = [
  { name: 'default', prefix: '/', url: 'http://localhost:1' },
  { name: 'anthropic', prefix: '/anthropic', url: 'http://localhost:2' },
];
const first = firstState({ isSimulator: true, upstreams });

describe('the form of a query', () => {
  it('can be sent at once', () => {
    const { query } = { query: undefined, ...queryOf(first, noCredential) };
    assert.equal(query?.path, '/v1/chat/completions');
    assert.deepEqual(query?.headers, {});
    assert.deepEqual(JSON.parse(query?.body ?? ''), {
      model: 'sim-tokens-40',
      messages: [{ role: 'user', content: first.prompt }],
      stream: true,
      stream_options: { include_usage: true },
    });
    assert.equal(firstState({ isSimulator: false, upstreams: [] }).model, 'gpt-4o');
  });

  it('asks another upstream below its prefix, with its key where one is given', () => {
    const state = { ...withApi(first, 'messages'), prefix: '/anthropic' };
    const bearer = { query: undefined, ...queryOf(state, { key: ' k1 ', isBearer: true }) };
    assert.equal(bearer.query?.path, '/anthropic/v1/messages');
    assert.deepEqual(bearer.query?.headers, {
      'anthropic-version': '2023-06-01',
      'x-upstream-authorization': 'Bearer k1',
    });
    const plain = { query: undefined, ...queryOf(state, { key: 'k1', isBearer: false }) };
    assert.equal(plain.query?.headers['x-upstream-api-key'], 'k1');
  });

  it('keeps what somebody filled in when the API changes, and changes what was suggested', () => {
    const own = withApi({ ...first, prompt: 'Mine' }, 'embeddings');
    assert.equal(own.prompt, 'Mine');
    assert.equal(own.model, apis.embeddings.model);
    assert.equal(withApi(own, 'messages').model, apis.messages.model);
    assert.equal(withApi({ ...first, model: 'my-model' }, 'embeddings').model, 'my-model');
    assert.notEqual(withApi(first, 'embeddings').prompt, first.prompt);
  });

  it('asks for a stream only where there are any', () => {
    assert.doesNotMatch(bodyText({ ...first, api: 'embeddings' }), /stream/);
    assert.doesNotMatch(bodyText({ ...first, isStream: false }), /stream/);
  });

  it('sends JSON as it was written, and none that is wrong', () => {
    const written = '{"model": "x",  "n": 1e3}';
    assert.equal(
      { query: undefined, ...queryOf({ ...first, json: written }, noCredential) }.query?.body,
      written,
    );
    const { problem } = { problem: undefined, ...queryOf({ ...first, json: '{' }, noCredential) };
    assert.match(problem ?? '', /line 1/);
  });

  it('fills in the body anew when the API changes under JSON', () => {
    const state = withApi({ ...first, json: '{}' }, 'responses');
    assert.equal(state.json, bodyText(state));
  });

  it('has paths and models that the service and its simulator know', () => {
    for (const { dialect } of Object.values(apis)) assert.equal(dialectFor('POST', dialect.path), dialect);
    for (const { model } of simulatedModels.slice(1)) assert.ok(faultOf(model), model);
  });
});
