import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AttemptContent } from '../../src/dialects/content/attempt-content.ts';
import type { DialectContent } from '../../src/dialects/content/content.ts';
import { Room } from '../../src/dialects/content/room.ts';
import { deepFreeze, type JsonObject, parseJsonObject } from '../../src/wire/json.ts';
import { SseParser } from '../../src/wire/sse-parser.ts';
import {
  checkMessages,
  checkParts,
  checkTools,
  collected,
  plain,
  textsIn,
} from '../dialects/content/shapes.ts';
import { type Recording, recordedReplies, recordedStreams } from '../dialects/recordings.ts';
import { twisted } from '../dialects/twisted.ts';

export interface ContentSubject {
  readonly content: DialectContent;
  /** The folder of `test/recordings`. */
  readonly recordings: string;
  readonly query: JsonObject;
  /** The texts of that query, by slot. */
  readonly queryTexts: Readonly<Record<string, string>>;
}

/** What every dialect that tells content has to do, whatever it means. */
export function contentContract({ content, recordings, query, queryTexts }: ContentSubject): void {
  describe('content', () => {
    it('of a query has every text that it has, and no bytes', () => {
      const { messages, systemInstructions, toolDefinitions } = plain(content.readInput(deepFreeze(query)));
      checkMessages(messages, false);
      checkParts(systemInstructions);
      checkTools(toolDefinitions);
      const texts = textsIn([messages, systemInstructions]);
      for (const [slot, text] of Object.entries(queryTexts)) {
        if (isOutside(slot)) continue;
        assert.ok(texts.includes(text) || hasParsed([messages], text), `${slot}: ${text}`);
      }
      assert.ok(!JSON.stringify(messages).includes('AA=='));
    });

    for (const recording of recordedStreams(recordings)) {
      it(`of the stream ${recording.name} is what it said`, () => {
        const messages = collected(content, { events: eventsOf(recording.bytes) });
        checkMessages(messages, true);
        checkTexts(messages, recording);
      });

      it(`of the stream ${recording.name} is a beginning of it wherever it breaks off`, () => {
        const events = eventsOf(recording.bytes);
        for (let count = 0; count <= events.length; count += 1)
          checkMessages(collected(content, { events: events.slice(0, count) }), true);
      });
    }

    for (const recording of recordedReplies(recordings)) {
      it(`of the whole reply ${recording.name} is what it said`, () => {
        const messages = collected(content, { whole: payloadOf(recording) });
        checkMessages(messages, true);
        checkTexts(messages, recording);
        assert.deepEqual(
          messages.map(({ finish_reason }) => finish_reason),
          recording.facts.finishReasons,
        );
      });
    }

    it('of what has an unexpected type is left out, and the rest has the shape of the conventions', () => {
      for (const payload of twisted(query)) {
        const input = plain(content.readInput(payload));
        checkMessages(input.messages, false);
        checkParts(input.systemInstructions);
        checkTools(input.toolDefinitions);
      }
      for (const recording of recordedReplies(recordings))
        for (const whole of twisted(payloadOf(recording))) checkMessages(collected(content, { whole }), true);
      for (const recording of recordedStreams(recordings)) {
        const events = eventsOf(recording.bytes);
        for (const [i, event] of events.entries())
          for (const payload of twisted(event))
            checkMessages(collected(content, { events: events.with(i, payload) }), true);
      }
    });

    it('never has more than there is room for, and says when something is left out', () => {
      const streams = recordedStreams(recordings).map(({ bytes }) => eventsOf(bytes));
      for (const events of streams) {
        const whole = jsonOf(content, query, events, 1_000_000);
        assert.equal(whole.isTruncated, false);
        for (let charsMax = 0; charsMax < 1_500; charsMax += 7) {
          const { isTruncated, ...values } = jsonOf(content, query, events, charsMax);
          const texts = Object.values(values).filter((json) => json !== undefined);
          assert.ok(texts.reduce((sum, json) => sum + json.length, 0) <= charsMax);
          for (const json of texts) JSON.parse(json);
          assert.equal(
            isTruncated,
            JSON.stringify(values) !== JSON.stringify(plain({ ...whole, isTruncated: undefined })),
          );
          if (values.inputMessages) checkMessages(JSON.parse(values.inputMessages), false);
          if (values.outputMessages) checkMessages(JSON.parse(values.outputMessages), true);
        }
      }
    });

    it('is gathered within its room', () => {
      for (const { bytes } of recordedStreams(recordings)) {
        const events = eventsOf(bytes);
        for (let chars = 0; chars < 400; chars += 3) {
          const room = new Room(chars);
          const texts = textsIn(
            collected(content, { events }, room).map(({ parts }) => parts.map((part) => part.content ?? '')),
          );
          assert.ok(texts.join('').length <= chars);
        }
      }
    });
  });
}

/** What a query says of the reply that it expects, which is no message. */
function isOutside(slot: string): boolean {
  return slot === 'prediction' || slot.endsWith(':title');
}

function jsonOf(content: DialectContent, query: JsonObject, events: readonly JsonObject[], charsMax: number) {
  const attempt = new AttemptContent(content, { charsMax, valueCharsMax: charsMax }, query);
  for (const event of events) attempt.event(event);
  return attempt.json();
}

/** Each text of the recording is there, arguments of tools as what they mean. */
function checkTexts(messages: unknown, recording: Recording): void {
  const texts = textsIn(messages);
  for (const [slot, text] of Object.entries(recording.texts)) {
    assert.ok(texts.includes(String(text)) || hasParsed(messages, String(text)), `${slot}: ${text}`);
  }
}

function hasParsed(value: unknown, text: string): boolean {
  try {
    return JSON.stringify(value).includes(JSON.stringify(JSON.parse(text)));
  } catch {
    return false;
  }
}

function eventsOf(bytes: Buffer): JsonObject[] {
  const payloads: (JsonObject | undefined)[] = [];
  const onEvent = ({ data }: { data: string }) => payloads.push(parseJsonObject(data));
  new SseParser({ eventBytesMax: bytes.length, onEvent }).push(bytes);
  return payloads.filter((payload) => payload !== undefined).map((payload) => deepFreeze(payload));
}

function payloadOf({ bytes }: Recording): JsonObject {
  const payload = parseJsonObject(bytes.toString());
  assert.ok(payload);
  return deepFreeze(payload);
}
