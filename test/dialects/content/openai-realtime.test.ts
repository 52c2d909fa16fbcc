import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiRealtimeContent as content } from '../../../src/dialects/content/openai-realtime.ts';
import { openaiRealtime } from '../../../src/dialects/openai-realtime.ts';
import { asJsonObject, type JsonObject, parseJsonObject } from '../../../src/wire/json.ts';
import { recordedSessions } from '../recordings.ts';
import { twisted } from '../twisted.ts';
import { checkMessages, checkParts, checkTools, collected, plain, textsIn } from './shapes.ts';

const text = (said: string) => ({ type: 'text', content: said });

/** The messages of each turn, by its id. */
function turnsOf(messages: readonly { from: string; text: string }[]): Map<string, JsonObject[]> {
  const turns = new Map<string, JsonObject[]>();
  for (const message of messages) {
    const payload = message.from === 'upstream' ? parseJsonObject(message.text) : undefined;
    const mark = payload && openaiRealtime.upstreamMark(payload);
    if (!payload || (mark?.kind !== 'begin' && mark?.kind !== 'part' && mark?.kind !== 'end')) continue;
    if (mark.turn === undefined) continue;
    turns.set(mark.turn, [...(turns.get(mark.turn) ?? []), payload]);
  }
  return turns;
}

describe('content of realtime turns', () => {
  it('has what the message that asks for a turn says itself', () => {
    const response = {
      instructions: 'Be brief.',
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
        {
          type: 'message',
          role: 'user',
          content: [{ type: 'input_audio', audio: 'AAAA', transcript: 'Hello' }],
        },
        { type: 'message', role: 'user', content: [{ type: 'input_audio', audio: 'AAAA' }] },
      ],
      tools: [{ type: 'function', name: 'look', parameters: { type: 'object' } }],
    };
    assert.deepEqual(plain(content.readInput({ type: 'response.create', response })), {
      messages: [
        { role: 'user', parts: [text('Hi')] },
        { role: 'user', parts: [text('Hello')] },
        { role: 'user', parts: [{ type: 'blob', modality: 'audio', byte_size: 3 }] },
      ],
      systemInstructions: [text('Be brief.')],
      toolDefinitions: [{ type: 'function', name: 'look', parameters: { type: 'object' } }],
    });
    assert.deepEqual(plain(content.readInput({ type: 'response.create' })).messages, []);
  });

  for (const { name, messages, expected } of recordedSessions('openai-realtime')) {
    for (const [turn, events] of turnsOf(messages)) {
      it(`has of ${turn} in the session ${name} what was said, whether its end tells it again or not`, () => {
        const { texts, facts } = asJsonObject(asJsonObject(expected.turns)?.[turn]) as {
          texts: JsonObject;
          facts: JsonObject;
        };
        const told = collected(content, { events });
        checkMessages(told, true);
        assert.deepEqual(
          told.map(({ finish_reason }) => finish_reason),
          facts.finishReasons,
        );
        const calls = told.flatMap(({ parts }) => parts.map((part) => part.arguments));
        const said = [...textsIn(told), ...calls.map((call) => JSON.stringify(call))];
        for (const one of Object.values(texts)) assert.ok(said.includes(String(one)), String(one));
        const pieces = events.filter(({ type }) => !String(type).endsWith('.done'));
        assert.deepEqual(collected(content, { events: pieces })[0]?.parts, told[0]?.parts);
      });

      it(`has of ${turn} in the session ${name} nothing that has no proper type`, () => {
        for (const [i, event] of events.entries())
          for (const payload of twisted(event))
            checkMessages(collected(content, { events: events.with(i, payload) }), true);
      });
    }

    it(`passes over what has an unexpected type in the queries of ${name}`, () => {
      for (const { from, text } of messages) {
        const payload = from === 'client' ? parseJsonObject(text) : undefined;
        for (const query of payload ? twisted(payload) : []) {
          const input = plain(content.readInput(query));
          checkMessages(input.messages, false);
          checkParts(input.systemInstructions);
          checkTools(input.toolDefinitions);
        }
      }
    });
  }
});
