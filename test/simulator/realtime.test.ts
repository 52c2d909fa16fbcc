import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { OpenAIRealtimeWS as BetaClient } from 'openai/beta/realtime/ws';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { openaiRealtime } from '../../src/dialects/openai-realtime.ts';
import { emptyReplyFacts } from '../../src/exchange/facts.ts';
import { objectOf } from '../../src/simulator/json.ts';
import { ask, plainly, textOnly } from './realtime-client.ts';
import { realtimeStage } from './realtime-stage.ts';

const userSays = (text: string) => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
});
const second = Buffer.alloc(48_000, 1).toString('base64');
const tool = {
  type: 'function' as const,
  name: 'get_weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
};

describe("the simulator's realtime API", () => {
  const stage = realtimeStage();
  const open = (model: string, headers?: Record<string, string>) => stage.open(model, headers);

  describe("asked by openai's client", () => {
    it('answers in text, with usage, and remembers the conversation', async () => {
      const { client, options } = plainly(stage.simulator.port);
      const realtime = new OpenAIRealtimeWS({ model: 'gpt-realtime', options }, client);
      const errors: unknown[] = [];
      realtime.on('error', (error) => errors.push(error));
      const created = await realtime.emitted('session.created');
      assert.ok(created.session.type === 'realtime' && created.session.model === 'gpt-realtime-2025-08-28');
      realtime.send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['text'] } });
      const updated = await realtime.emitted('session.updated');
      assert.ok(updated.session.type === 'realtime');
      assert.deepEqual(updated.session.output_modalities, ['text']);

      const answers: string[] = [];
      for (const question of ['Tell me of the weather.', 'And then?']) {
        let text = '';
        realtime.on('response.output_text.delta', ({ delta }) => {
          text += delta;
        });
        realtime.send({
          type: 'conversation.item.create',
          item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: question }] },
        });
        realtime.send({ type: 'response.create' });
        const { response } = await realtime.emitted('response.done');
        const [item] = response.output ?? [];
        assert.ok(item?.type === 'message' && item.role === 'assistant');
        const [part] = item.content;
        assert.deepEqual([part?.type, part?.text], ['output_text', text]);
        assert.equal(response.status, 'completed');
        assert.ok((response.usage?.input_tokens ?? 0) > 10 && (response.usage?.output_tokens ?? 0) > 10);
        answers.push(text);
      }
      assert.notEqual(answers[0], answers[1]);
      assert.deepEqual(errors, []);
      realtime.close();
      await once(realtime.socket, 'close');
    });

    it('speaks: a transcript and the sound of it', async () => {
      const { client, options } = plainly(stage.simulator.port);
      const realtime = new OpenAIRealtimeWS({ model: 'sim-tokens-3', options }, client);
      const transcript: string[] = [];
      const sound: string[] = [];
      realtime.on('response.output_audio_transcript.delta', ({ delta }) => transcript.push(delta));
      realtime.on('response.output_audio.delta', ({ delta }) => sound.push(delta));
      await realtime.emitted('session.created');
      realtime.send({ type: 'response.create' });
      const whole = await realtime.emitted('response.output_audio_transcript.done');
      assert.equal(transcript.join(''), whole.transcript);
      assert.equal(sound.length, 3);
      assert.equal(Buffer.from(sound[0] ?? '', 'base64').length, 2_400);
      realtime.close();
      await once(realtime.socket, 'close');
    });

    it('calls a tool, and answers when it has what the tool gave', async () => {
      const { client, options } = plainly(stage.simulator.port);
      const realtime = new OpenAIRealtimeWS({ model: 'gpt-realtime', options }, client);
      await realtime.emitted('session.created');
      realtime.send({ type: 'session.update', session: { type: 'realtime', tools: [tool] } });
      realtime.send({
        type: 'conversation.item.create',
        item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'The weather?' }] },
      });
      const [call, { response }] = await Promise.all([
        realtime.emitted('response.function_call_arguments.done'),
        realtime.emitted('response.done'),
        realtime.send({ type: 'response.create' }),
      ]);
      assert.equal(call.name, 'get_weather');
      assert.deepEqual(Object.keys(JSON.parse(call.arguments)), ['city']);
      assert.equal(response.output?.[0]?.type, 'function_call');

      const output = '{"celsius":21}';
      realtime.send({
        type: 'conversation.item.create',
        item: { type: 'function_call_output', call_id: call.call_id, output },
      });
      realtime.send({ type: 'response.create' });
      assert.equal((await realtime.emitted('response.done')).response.output?.[0]?.type, 'message');
      realtime.close();
      await once(realtime.socket, 'close');
    });

    it('has the names of the beta for its client', async () => {
      const { client, options } = plainly(stage.simulator.port);
      const realtime = new BetaClient({ model: 'sim-tokens-2', options }, client);
      const names = new Set<string>();
      realtime.on('event', ({ type }) => names.add(type));
      const { session } = await realtime.emitted('session.created');
      assert.deepEqual([session.modalities, session.input_audio_format], [['text', 'audio'], 'pcm16']);
      realtime.send({ type: 'response.create', response: { modalities: ['text'] } });
      await realtime.emitted('response.done');
      realtime.send({ type: 'response.create' });
      const { response } = await realtime.emitted('response.done');
      const [item] = response.output ?? [];
      assert.equal(item?.content?.[0]?.type, 'audio');
      assert.ok(
        ['response.text.delta', 'response.audio.delta', 'response.audio_transcript.done'].every((name) =>
          names.has(name),
        ),
      );
      assert.ok(names.has('conversation.item.created'));
      assert.ok(
        ![...names].some((name) => name.includes('output_text') || name === 'conversation.item.added'),
      );
      realtime.close();
      await once(realtime.socket, 'close');
    });
  });

  describe('a conversation', () => {
    it('has its events in the order of the real API', async () => {
      const client = await open('sim-tokens-2');
      client.send(textOnly, userSays('Hello'), ask);
      await client.next('response.done');
      assert.deepEqual(client.names(), [
        'session.created',
        'session.updated',
        'conversation.item.added',
        'conversation.item.done',
        'response.created',
        'response.output_item.added',
        'conversation.item.added',
        'response.content_part.added',
        'response.output_text.delta',
        'response.output_text.done',
        'response.content_part.done',
        'conversation.item.done',
        'response.output_item.done',
        'rate_limits.updated',
        'response.done',
      ]);
      assert.equal(new Set(client.events.map(({ event_id }) => event_id)).size, client.events.length);
    });

    it('gives the same answer to the same conversation, under other ids', async () => {
      const answers: string[] = [];
      const ids = new Set<unknown>();
      for (let round = 0; round < 2; round += 1) {
        const client = await open('gpt-realtime');
        client.send(textOnly, userSays('Hello'), ask);
        ids.add(objectOf((await client.next('response.done')).response).id);
        answers.push(client.said('response.output_text.delta'));
      }
      assert.equal(answers[0], answers[1]);
      assert.equal(ids.size, 2);
    });

    it('is as its client makes it', async () => {
      const client = await open('gpt-realtime');
      client.send({ ...userSays('second'), item: { ...userSays('second').item, id: 'b' } });
      client.send({
        ...userSays('first'),
        previous_item_id: 'root',
        item: { ...userSays('first').item, id: 'a' },
      });
      await client.next('conversation.item.added');
      assert.equal((await client.next('conversation.item.added')).previous_item_id, null);
      client.send({ type: 'conversation.item.retrieve', item_id: 'a' });
      assert.equal(objectOf((await client.next('conversation.item.retrieved')).item).id, 'a');
      client.send({ type: 'conversation.item.truncate', item_id: 'b', content_index: 0, audio_end_ms: 5 });
      assert.equal((await client.next('conversation.item.truncated')).audio_end_ms, 5);
      client.send({ type: 'conversation.item.delete', item_id: 'a' });
      await client.next('conversation.item.deleted');
      client.send({ type: 'conversation.item.retrieve', item_id: 'a', event_id: 'gone' });
      assert.equal(objectOf((await client.next('error')).error).event_id, 'gone');
    });

    it('stops where a response is to stop', async () => {
      const client = await open('gpt-realtime');
      client.send(textOnly, { ...ask, response: { max_output_tokens: 4 } });
      const response = objectOf((await client.next('response.done')).response);
      assert.deepEqual(
        [response.status, response.status_details],
        ['incomplete', { type: 'incomplete', reason: 'max_output_tokens' }],
      );
      assert.equal(client.events.filter(({ type }) => type === 'response.output_text.delta').length, 4);
    });

    it('runs one response at a time, and others beside it that add nothing to it', async () => {
      const client = await open('sim-slow-token-20');
      client.send(textOnly, ask);
      const first = objectOf((await client.next('response.created')).response);
      client.send({ type: 'response.create', event_id: 'again' });
      const error = objectOf((await client.next('error')).error);
      assert.deepEqual([error.code, error.event_id], ['conversation_already_has_active_response', 'again']);
      client.send({
        ...ask,
        response: { conversation: 'none', max_output_tokens: 1, input: [userSays('Aside.').item] },
      });
      const aside = objectOf((await client.next('response.created')).response);
      const items = () => client.events.filter(({ type }) => type === 'conversation.item.added').length;
      const itemsBefore = items();
      const done = objectOf((await client.next('response.done')).response);
      assert.deepEqual([done.id, done.conversation_id], [aside.id, null]);
      assert.equal(items(), itemsBefore);
      client.send({ type: 'response.cancel', response_id: first.id });
      assert.equal(objectOf((await client.next('response.done')).response).id, first.id);
      client.send(ask);
      await client.next('response.created');
    });

    it('ends a response that is cancelled with what it has said', async () => {
      const client = await open('sim-slow-token-10');
      client.send(textOnly, ask);
      const id = objectOf((await client.next('response.created')).response).id;
      await client.next('response.output_text.delta');
      client.send({ type: 'response.cancel' });
      const response = objectOf((await client.next('response.done')).response);
      assert.deepEqual(
        [response.status, response.status_details],
        ['cancelled', { type: 'cancelled', reason: 'client_cancelled' }],
      );
      const said = client.said('response.output_text.delta');
      const pieces = client.events.filter(({ type }) => type === 'response.output_text.delta').length;
      assert.ok(JSON.stringify(response.output).includes(JSON.stringify(said)));
      assert.equal(objectOf(response.usage).output_tokens, pieces);
      const entry = await stage.simulator.journal.waitFor(({ responseId }) => responseId === id);
      assert.deepEqual(
        [entry.ended, entry.finishReasons, entry.outputEvents],
        ['client_aborted', ['client_cancelled'], pieces],
      );
      client.send({ type: 'response.cancel', event_id: 'late' });
      const error = objectOf((await client.next('error')).error);
      assert.deepEqual([error.code, error.event_id], ['response_cancel_not_active', 'late']);
    });
  });

  describe('spoken to', () => {
    it('responds by itself when a second of audio has come', async () => {
      const client = await open('sim-tokens-2');
      client.send({ type: 'input_audio_buffer.append', audio: second });
      const done = objectOf((await client.next('response.done')).response);
      assert.deepEqual(client.names().slice(1, 7), [
        'input_audio_buffer.speech_started',
        'input_audio_buffer.speech_stopped',
        'input_audio_buffer.committed',
        'conversation.item.added',
        'conversation.item.done',
        'response.created',
      ]);
      assert.equal(objectOf(objectOf(done.usage).input_token_details).audio_tokens, 10);
      const entry = await stage.simulator.journal.waitFor(({ responseId }) => responseId === done.id);
      assert.deepEqual([entry.turn, entry.requestBytes, entry.ended], [1, 0, 'completed']);
    });

    it('is silent when somebody speaks, and answers that', async () => {
      const client = await open('sim-slow-token-20');
      client.send(textOnly, ask);
      await client.next('response.output_text.delta');
      client.send({ type: 'input_audio_buffer.append', audio: second });
      const cut = objectOf((await client.next('response.done')).response);
      assert.deepEqual(cut.status_details, { type: 'cancelled', reason: 'turn_detected' });
      await client.next('response.created');
    });

    it('waits to be asked where turns are not detected, and writes down what was said where it is told to', async () => {
      const client = await open('sim-tokens-1');
      const input = { turn_detection: null, transcription: { model: 'gpt-4o-transcribe' } };
      client.send({ type: 'session.update', session: { type: 'realtime', audio: { input } } });
      const { session } = await client.next('session.updated');
      assert.deepEqual(objectOf(objectOf(objectOf(session).audio).input).format, {
        type: 'audio/pcm',
        rate: 24_000,
      });
      client.send(
        { type: 'input_audio_buffer.append', audio: second },
        { type: 'input_audio_buffer.commit' },
      );
      const { item_id } = await client.next('input_audio_buffer.committed');
      const whole = await client.next('conversation.item.input_audio_transcription.completed');
      assert.equal(whole.item_id, item_id);
      assert.equal(client.said('conversation.item.input_audio_transcription.delta'), whole.transcript);
      client.send({ type: 'input_audio_buffer.append', audio: 'AAAA' }, { type: 'input_audio_buffer.clear' });
      await client.next('input_audio_buffer.cleared');
      client.send({ type: 'input_audio_buffer.commit', event_id: 'empty' });
      const error = objectOf((await client.next('error')).error);
      assert.deepEqual([error.code, error.event_id], ['input_audio_buffer_commit_empty', 'empty']);
      assert.ok(!client.names().includes('response.created'));
      client.send(ask);
      await client.next('response.done');
    });
  });

  it('tells what it did not understand, and goes on', async () => {
    const client = await open('sim-tokens-1');
    const wrong: [unknown, string, string | null][] = [
      ['{"type":', 'invalid_event', null],
      ['[1]', 'invalid_event', null],
      [{ event_id: 'e' }, 'invalid_event', null],
      [{ type: 'nonsense', event_id: 'e' }, 'invalid_value', 'type'],
      [{ type: 'toString', event_id: 'e' }, 'invalid_value', 'type'],
      [{ type: 'session.update', event_id: 'e' }, 'missing_required_parameter', 'session'],
      [{ type: 'session.update', event_id: 'e', session: {} }, 'missing_required_parameter', 'session.type'],
      [{ type: 'conversation.item.create', event_id: 'e' }, 'missing_required_parameter', 'item'],
      [
        { type: 'conversation.item.create', event_id: 'e', item: { type: 'x' } },
        'invalid_value',
        'item.type',
      ],
      [
        { ...userSays('a'), event_id: 'e', previous_item_id: 'none' },
        'item_create_invalid_previous_item_id',
        'previous_item_id',
      ],
      [{ type: 'input_audio_buffer.append', event_id: 'e' }, 'missing_required_parameter', 'audio'],
    ];
    for (const [message, code, param] of wrong) {
      client.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
      const error = objectOf((await client.next('error')).error);
      const eventId = typeof message === 'string' ? null : 'e';
      assert.deepEqual(
        [error.type, error.code, error.param, error.event_id],
        ['invalid_request_error', code, param, eventId],
      );
    }
    client.send(ask);
    await client.next('response.done');
  });

  describe('the journal', () => {
    it('has an entry for every turn, which says what was sent', async () => {
      const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
      const client = await open('gpt-realtime', { traceparent, 'x-request-id': 'realtime-1' });
      client.send(textOnly, userSays('Hello'));
      await client.next('conversation.item.done');
      const before = client.texts.length;
      client.send(ask);
      const done = await client.next('response.done');
      const response = objectOf(done.response);
      const entry = await stage.simulator.journal.waitFor(({ responseId }) => responseId === response.id);
      assert.deepEqual(
        [entry.operation, entry.method, entry.url],
        ['openai.realtime', 'GET', '/v1/realtime?model=gpt-realtime'],
      );
      assert.deepEqual([entry.traceparent, entry.requestId, entry.turn], [traceparent, 'realtime-1', 1]);
      assert.deepEqual(
        [entry.modelRequested, entry.modelAnswered],
        ['gpt-realtime', 'gpt-realtime-2025-08-28'],
      );
      assert.deepEqual(
        [entry.ended, entry.finishReasons, entry.terminalSent],
        ['completed', ['completed'], true],
      );
      assert.equal(entry.requestBytes, JSON.stringify(ask).length);
      const sent = client.texts.slice(before).join('');
      assert.equal(entry.replyBytes, Buffer.byteLength(sent));
      assert.equal(entry.replySha256, createHash('sha256').update(sent).digest('hex'));
      const { received, firstOutputSent = 0, lastOutputSent = 0, ended = 0 } = entry.times;
      const times = [received, firstOutputSent, lastOutputSent, ended];
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );

      client.send({ ...ask, response: { output_modalities: ['audio'] } });
      const { id } = objectOf((await client.next('response.done')).response);
      const next = await stage.simulator.journal.waitFor(({ responseId }) => responseId === id);
      assert.deepEqual([next.session, next.turn], [entry.session, 2]);
    });

    it('agrees with what the dialect reads', async () => {
      const client = await open('gpt-realtime');
      client.send(userSays('Hello'), ask);
      const id = objectOf((await client.next('response.done')).response).id;
      const facts = emptyReplyFacts();
      let outputs = 0;
      for (const data of client.texts)
        if (openaiRealtime.readEvent({ event: '', data }, facts).output) outputs += 1;
      const entry = await stage.simulator.journal.waitFor(({ responseId }) => responseId === id);
      assert.deepEqual(
        [facts.usage, facts.id, outputs],
        [entry.tokens, entry.responseId, entry.outputEvents],
      );
    });

    it('counts exactly what was sent before the client hung up', async () => {
      const client = await open('sim-slow-token-5');
      client.send(textOnly, ask);
      const id = objectOf((await client.next('response.created')).response).id;
      await client.next('response.output_text.delta');
      await client.next('response.output_text.delta');
      client.socket.terminate();
      const entry = await stage.simulator.journal.waitFor(({ responseId }) => responseId === id);
      assert.deepEqual([entry.ended, entry.terminalSent, entry.finishReasons], ['client_aborted', false, []]);
      assert.ok(entry.outputEvents >= 2);
    });

    it('stops writing to a client that does not read', async () => {
      const client = await open('sim-tokens-1000000');
      client.send(textOnly, ask);
      const id = objectOf((await client.next('response.created')).response).id;
      client.socket.pause();
      const growing = await stage.simulator.journal.waitForReceived(({ responseId }) => responseId === id);
      let count = -1;
      while (growing.outputEvents !== count) {
        count = growing.outputEvents;
        for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
      }
      assert.ok(count < 200_000, String(count));
      client.socket.terminate();
      await stage.simulator.journal.waitFor((entry) => entry === growing);
      assert.equal(growing.ended, 'client_aborted');
    });
  });
});
