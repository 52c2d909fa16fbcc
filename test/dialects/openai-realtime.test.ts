import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sessionDialectFor } from '../../src/dialects/index.ts';
import { openaiRealtime } from '../../src/dialects/openai-realtime.ts';
import { emptyReplyFacts } from '../../src/exchange/facts.ts';
import { sessionDialectContract } from '../contract/session-dialect.ts';

sessionDialectContract({
  dialect: openaiRealtime,
  recordings: 'openai-realtime',
  queries: [
    {
      message: {
        type: 'session.update',
        event_id: 'e',
        session: { type: 'realtime', instructions: 'Be brief.' },
      },
      texts: { instructions: 'Be brief.' },
    },
    {
      message: {
        type: 'conversation.item.create',
        previous_item_id: null,
        item: {
          type: 'message',
          role: 'user',
          content: [
            { type: 'input_text', text: 'Look.' },
            { type: 'input_audio', audio: 'AAAA', transcript: 'At the cat.' },
            { type: 'input_image', image_url: 'data:image/png;base64,AA==' },
          ],
        },
      },
      texts: { 'item:content:0': 'Look.', 'item:content:1': 'At the cat.' },
    },
    {
      message: {
        type: 'conversation.item.create',
        item: { type: 'function_call_output', call_id: 'c1', output: 'A cat.' },
      },
      texts: { 'item:output': 'A cat.' },
    },
    {
      message: {
        type: 'response.create',
        event_id: 'e',
        response: {
          instructions: 'Be brief.',
          metadata: { topic: 'cats' },
          input: [
            { type: 'item_reference', id: 'item_1' },
            { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello' }] },
            { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{}' },
          ],
        },
      },
      texts: { instructions: 'Be brief.', 'input:1:content:0': 'Hello', 'input:2:arguments': '{}' },
    },
    { message: { type: 'input_audio_buffer.append', audio: 'AAAA' }, texts: {} },
  ],
});

describe('openai.realtime', () => {
  const mark = (payload: object) => openaiRealtime.upstreamMark({ ...payload });
  const read = (response: object) => {
    const facts = emptyReplyFacts();
    openaiRealtime.readEvent({ event: '', data: JSON.stringify({ type: 'response.done', response }) }, facts);
    return facts;
  };

  it('is spoken on the paths of OpenAI and Azure', () => {
    for (const path of ['/v1/realtime', '/realtime', '/openai/realtime', '/openai/v1/realtime/']) {
      assert.equal(sessionDialectFor(path), openaiRealtime, path);
    }
    for (const path of ['/v1/realtime/sessions', '/v1/realtime/translations', '/v1/realtime/calls/call_1']) {
      assert.equal(sessionDialectFor(path), undefined, path);
    }
  });

  it('reads the model from the upgrade and from the session', () => {
    assert.equal(openaiRealtime.upgradeModel('/v1/realtime?a=1&model=gpt-realtime'), 'gpt-realtime');
    assert.equal(openaiRealtime.upgradeModel('/openai/realtime?api-version=1&deployment=mine'), 'mine');
    assert.equal(openaiRealtime.upgradeModel('/v1/realtime?call_id=rtc_1'), undefined);
    assert.equal(openaiRealtime.upgradeModel('/v1/realtime'), undefined);
    assert.equal(
      openaiRealtime.readModel({ session: { model: 'gpt-realtime-2025-08-28' } }),
      'gpt-realtime-2025-08-28',
    );
    assert.equal(openaiRealtime.readModel({ type: 'session.updated', session: {} }), undefined);
  });

  it('reads what a query asks for, by its names of today and of the beta', () => {
    assert.deepEqual(openaiRealtime.readQuery({ type: 'response.create' }), { stream: true });
    assert.deepEqual(openaiRealtime.readQuery({ response: { max_output_tokens: 9, temperature: 0.7 } }), {
      stream: true,
      maxTokens: 9,
      temperature: 0.7,
    });
    assert.equal(openaiRealtime.readQuery({ response: { max_response_output_tokens: 9 } }).maxTokens, 9);
    assert.equal(openaiRealtime.readQuery({ response: { max_output_tokens: 'inf' } }).maxTokens, undefined);
  });

  it('knows a query from other messages', () => {
    const client = (payload: object) => openaiRealtime.clientMark({ ...payload });
    assert.deepEqual(client({ type: 'response.create', event_id: 'e1' }), { kind: 'query', eventId: 'e1' });
    assert.deepEqual(client({ type: 'response.create' }), { kind: 'query', eventId: undefined });
    for (const type of ['response.cancel', 'session.update', 'input_audio_buffer.commit', undefined]) {
      assert.deepEqual(client({ type, event_id: 'e2' }), { kind: 'other', eventId: 'e2' });
    }
  });

  it('knows the parts of a turn, also where they do not name it', () => {
    const part = { type: 'response.output_audio.delta', response_id: 'r1', delta: 'AAAA' };
    assert.deepEqual(mark(part), { kind: 'part', turn: 'r1' });
    assert.deepEqual(mark({ type: 'output_audio_buffer.started', response_id: 'r1' }), {
      kind: 'part',
      turn: 'r1',
    });
    assert.deepEqual(mark({ type: 'response.mcp_call.in_progress' }), { kind: 'part', turn: undefined });
    for (const type of ['session.created', 'rate_limits.updated', 'conversation.item.added', 'new', 7]) {
      assert.deepEqual(mark({ type }), { kind: 'other' });
    }
  });

  it("tells a turn's end by its status", () => {
    const end = (status: unknown) => mark({ type: 'response.done', response: { id: 'r1', status } });
    const ended = (outcome: string) => ({ kind: 'end', turn: 'r1', outcome });
    assert.deepEqual(end('completed'), ended('completed'));
    assert.deepEqual(end('incomplete'), ended('completed'));
    assert.deepEqual(end('cancelled'), ended('client_aborted'));
    assert.deepEqual(end('failed'), ended('upstream_error'));
    assert.deepEqual(mark({ type: 'response.done', response: {} }), { kind: 'other' });
  });

  it('takes a refusal for that of a query only where it is about one', () => {
    const refusal = (error: object) => mark({ type: 'error', event_id: 'event_1', error });
    const refused = { kind: 'refused', eventId: undefined };
    assert.deepEqual(
      refusal({ type: 't', code: 'conversation_already_has_active_response', event_id: null }),
      {
        ...refused,
        error: 'conversation_already_has_active_response',
        isQuery: true,
        isBusy: true,
      },
    );
    const about = (param: unknown) => {
      const told = refusal({ code: 'invalid_value', param });
      return told.kind === 'refused' && told.isQuery;
    };
    assert.ok(about('response') && about('response.tools[0].name') && about('response[0]'));
    assert.ok(!about('response_id') && !about('responses') && !about('session.tools') && !about(null));
    assert.deepEqual(mark({ type: 'error' }), { ...refused, error: '_OTHER', isQuery: false });
  });

  it("gives a reason chat's word where chat has one, and leaves the others as they are", () => {
    const reason = (status: string, why?: string) =>
      read({ status, status_details: why === undefined ? null : { type: status, reason: why } })
        .finishReasons;
    assert.deepEqual(reason('completed'), ['stop']);
    assert.deepEqual(reason('failed'), ['error']);
    assert.deepEqual(reason('cancelled'), ['cancelled']);
    assert.deepEqual(reason('cancelled', 'turn_detected'), ['turn_detected']);
    assert.deepEqual(reason('cancelled', 'client_cancelled'), ['client_cancelled']);
    assert.deepEqual(reason('incomplete', 'max_output_tokens'), ['length']);
    assert.deepEqual(reason('incomplete', 'content_filter'), ['content_filter']);
    assert.deepEqual(reason('in_progress'), []);
  });

  it('counts reasoning and cached tokens where they are told', () => {
    const usage = {
      input_tokens: 10,
      output_tokens: 20,
      input_token_details: { cached_tokens: 4 },
      output_token_details: { reasoning_tokens: 15 },
    };
    assert.deepEqual(read({ usage }).usage, { input: 10, output: 20, cacheRead: 4, reasoning: 15 });
  });

  it('takes a failure without a name for an error all the same', () => {
    assert.equal(read({ status: 'failed', status_details: null }).error, '_OTHER');
    assert.equal(
      read({ status: 'failed', status_details: { error: { type: 'server_error' } } }).error,
      'server_error',
    );
  });

  it('reads and maps a reply that somebody gives as a whole', () => {
    const response = {
      id: 'r1',
      status: 'completed',
      output: [{ content: [{ type: 'output_text', text: 'a' }] }],
    };
    const done = { type: 'response.done', response };
    for (const reply of [response, done]) {
      const facts = emptyReplyFacts();
      openaiRealtime.readReply(reply, facts);
      assert.deepEqual([facts.id, facts.finishReasons, facts.terminal], ['r1', ['stop'], true]);
      const mapped = openaiRealtime.mapReplyText(reply, (text, slot) => `${slot} ${text}`);
      assert.ok(JSON.stringify(mapped).includes('item:0:content:0 a'));
    }
  });

  it('keeps texts of items apart, and drops log probabilities that would give one away', () => {
    const slots: string[] = [];
    const map = (payload: object) =>
      openaiRealtime.mapEventText({ ...payload }, (_text, slot) => {
        slots.push(slot);
        return '***';
      });
    const item = { id: 'i1', content: [{ transcript: 'a' }] };
    map({ type: 'conversation.item.created', item });
    map({ type: 'response.output_item.added', output_index: 2, item });
    map({ type: 'response.content_part.added', output_index: 2, content_index: 1, part: { text: 'a' } });
    assert.deepEqual(slots, [
      'whole:conversation:i1:content:0',
      'whole:item:2:content:0',
      'whole:item:2:content:1',
    ]);
    const spoken = {
      type: 'conversation.item.input_audio_transcription.completed',
      item_id: 'i1',
      content_index: 0,
    };
    assert.deepEqual(map({ ...spoken, transcript: 'secret', logprobs: [{ token: 'secret' }] }), {
      ...spoken,
      transcript: '***',
      logprobs: [],
    });
  });

  it('reads nothing of audio that comes in, and only where it is sure', () => {
    const append = '{"type":"input_audio_buffer.append","audio":"';
    const opaque = [
      `${append}AAAA`,
      `${append}AAAA"}`,
      append.slice(0, 35),
      ' {\n  "type" : "input_audio_buffer.append" ,\n "audio": "AA',
      '{"event_id":"event_1","type":"input_audio_buffer.append","audio":"AAAA',
      `${append}${'A'.repeat(100_000)}","event_id":"event_1"}`,
    ];
    const isOpaque = (text: string) => openaiRealtime.isOpaque(Buffer.from(text));
    for (const text of opaque) assert.equal(isOpaque(text), true, text.slice(0, 80));
    const read = [
      '{"type":"input_audio_buffer.appen',
      '{"type":"input_audio_buffer.append2","audio":"AAAA',
      '{"type":"input_audio_buffer.commit"}',
      '{"audio":"AAAA","type":"input_audio_buffer.append"}',
      '{"event_id":"\\u0022","type":"input_audio_buffer.append"',
      '[{"type":"input_audio_buffer.append"',
      '\ufeff{"type":"input_audio_buffer.append"',
      `${append}","type":"response.create"}`,
      `${append}","\\u0074ype":"response.create"}`,
      `${append}${'A'.repeat(100_000)}","type":"response.create"}`,
      `${append}${'A'.repeat(100_000)}","\\u0074ype":"response.create"}`,
    ];
    for (const text of read) assert.equal(isOpaque(text), false, text.slice(0, 80));
  });

  it('tells the upstream to stop', () => {
    assert.deepEqual(openaiRealtime.cancel('r1'), { type: 'response.cancel', response_id: 'r1' });
    assert.deepEqual(openaiRealtime.cancel(undefined), { type: 'response.cancel' });
  });

  it('names the message that was wrong, and what in it', () => {
    const problem = {
      code: 'message_invalid',
      message: 'No.',
      status: 400,
      requestId: 'r',
      traceId: undefined,
    };
    const detail = { eventId: 'e1', field: 'options.to', reason: 'expected a text' };
    const { error } = JSON.parse(openaiRealtime.problemEvent({ ...problem, ...detail }).data);
    assert.deepEqual(
      [error.event_id, error.param, error.reason, error.type],
      ['e1', 'options.to', 'expected a text', 'invalid_request_error'],
    );
  });

  it('says an error of ours as the API does', () => {
    const problem = { code: 'blocked', message: 'No.', status: 403, requestId: 'r', traceId: undefined };
    assert.deepEqual(JSON.parse(openaiRealtime.problemEvent(problem).data), {
      type: 'error',
      event_id: 'event_r',
      error: {
        type: 'invalid_request_error',
        code: 'blocked',
        message: 'No.',
        param: null,
        event_id: null,
        request_id: 'r',
      },
    });
  });
});
