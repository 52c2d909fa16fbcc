import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Dialect, TextMap } from '../../src/dialects/dialect.ts';
import { dialectFor } from '../../src/dialects/index.ts';
import { observeReply } from '../../src/dialects/reply-observer.ts';
import { emptyReplyFacts } from '../../src/exchange/facts.ts';
import { defaultLimits } from '../../src/limits.ts';
import { isJsonObject, type JsonObject, parseJsonObject } from '../../src/wire/json.ts';
import type { SseEvent } from '../../src/wire/sse-event.ts';
import { SseParser } from '../../src/wire/sse-parser.ts';
import { type Recording, recordedReplies, recordedStreams } from '../dialects/recordings.ts';
import { twisted } from '../dialects/twisted.ts';
import { contentContract } from './dialect-content.ts';

export interface DialectSubject {
  readonly dialect: Dialect;
  /** The folder of `test/recordings` with what its providers sent. */
  readonly recordings: string;
  /** A query with every kind of text that it has, and nothing else that is a string but in `model`. */
  readonly query: JsonObject;
  /** The texts of that query, by slot. */
  readonly queryTexts: Readonly<Record<string, string>>;
}

/** What every dialect has to do, whatever it means. Each dialect's test calls this first. */
export function dialectContract(subject: DialectSubject): void {
  const { dialect, recordings } = subject;
  describe(`${dialect.name}: contract of a dialect`, () => {
    pathContract(dialect);
    queryContract(subject);
    for (const recording of recordedStreams(recordings)) streamContract(dialect, recording);
    for (const recording of recordedReplies(recordings)) replyContract(dialect, recording);
    hostilityContract(subject);
    problemContract(dialect);
    if (dialect.content) contentContract({ ...subject, content: dialect.content });
  });
}

function pathContract(dialect: Dialect): void {
  it('is found by its own path, with any base path before it, and by POST only', () => {
    assert.equal(dialectFor('POST', dialect.path), dialect);
    assert.equal(dialectFor('POST', `/some/base${dialect.path}`), dialect);
    assert.equal(dialectFor('GET', dialect.path), undefined);
    assert.equal(dialectFor('POST', `${dialect.path}/x`), undefined);
    assert.equal(dialectFor('POST', `${dialect.path}x`), undefined);
  });
}

function queryContract({ dialect, query, queryTexts }: DialectSubject): void {
  it('maps every text of a query, and gives back the same object where nothing changed', () => {
    const frozen = deepFreeze(structuredClone(query));
    const texts: Record<string, string> = {};
    const same = dialect.mapQueryText(frozen, (text, slot) => {
      texts[slot] = text;
      return text;
    });
    assert.equal(same, frozen);
    assert.deepEqual(texts, queryTexts);
    checkEveryTextChanges(frozen, (payload, map) => dialect.mapQueryText(payload, map));
  });

  it('tells a stream from a whole reply', () => {
    assert.equal(dialect.readQuery({ ...query, stream: true }).stream, true);
    assert.equal(dialect.readQuery({ ...query, stream: false }).stream, false);
    assert.equal(dialect.readQuery({ ...query, stream: 'true' }).stream, false);
    assert.equal(dialect.readQuery({}).stream, false);
  });
}

function streamContract(dialect: Dialect, recording: Recording): void {
  describe(`stream ${recording.name}`, () => {
    const expected = { facts: recording.facts, outputs: recording.outputs, skipped: undefined };
    const { events } = eventsOf(recording.bytes);

    it('is read right', () => assert.deepEqual(observe(dialect, [recording.bytes]), expected));

    it('is read the same wherever it is cut in two, and byte by byte', () => {
      const { bytes } = recording;
      for (let at = 1; at < bytes.length; at += 1) {
        assert.deepEqual(observe(dialect, [bytes.subarray(0, at), bytes.subarray(at)]), expected);
      }
      assert.deepEqual(observe(dialect, singleBytes(bytes)), expected);
    });

    for (const [name, lineBreak] of [
      ['CR LF', '\r\n'],
      ['CR', '\r'],
    ] as const) {
      it(`is read the same with ${name} for line breaks`, () => {
        const bytes = Buffer.from(recording.bytes.toString().replaceAll('\n', lineBreak));
        assert.deepEqual(observe(dialect, [bytes]), expected);
        assert.deepEqual(observe(dialect, singleBytes(bytes)), expected);
      });
    }

    it('has its pieces of text in stable slots, and repeats whole texts in slots that say so', () => {
      const texts: Record<string, string> = {};
      const wholes: [string, string][] = [];
      for (const payload of payloadsOf(events)) {
        const frozen = deepFreeze(payload);
        const same = dialect.mapEventText(frozen, (text, slot) => {
          if (slot.startsWith('whole:')) wholes.push([slot.slice('whole:'.length), text]);
          else if (text !== '') texts[slot] = (texts[slot] ?? '') + text;
          return text;
        });
        assert.equal(same, frozen);
        checkEveryTextChanges(frozen, (value, map) => dialect.mapEventText(value, map));
      }
      assert.deepEqual(texts, recording.texts);
      for (const [slot, text] of wholes) if (text !== '') assert.equal(text, texts[slot], slot);
    });

    it('ends each slot after its last piece, and not before', () => {
      const open = new Set<string>();
      const ended = new Set<string>();
      for (const event of events) {
        const payload = parseJsonObject(event.data);
        if (payload !== undefined) {
          dialect.mapEventText(payload, (text, slot) => {
            if (slot.startsWith('whole:')) return text;
            assert.ok(!ended.has(slot), `${slot} goes on after its end`);
            open.add(slot);
            return text;
          });
        }
        const ends = dialect.endedSlots(event, parseJsonObject(event.data));
        for (const slot of open) {
          if (ends !== 'all' && !ends.some((end) => slot.startsWith(end))) continue;
          open.delete(slot);
          ended.add(slot);
        }
      }
      if (recording.facts.terminal === true) assert.deepEqual([...open], []);
    });
  });
}

function replyContract(dialect: Dialect, recording: Recording): void {
  describe(`whole reply ${recording.name}`, () => {
    it('is read right', () => {
      const facts = emptyReplyFacts();
      dialect.readReply(deepFreeze(payloadOf(recording.bytes)), facts);
      assert.deepEqual(facts, recording.facts);
    });

    it('has its texts mapped, and is the same object where nothing changed', () => {
      const frozen = deepFreeze(payloadOf(recording.bytes));
      const texts: Record<string, string> = {};
      const same = dialect.mapReplyText(frozen, (text, slot) => {
        texts[slot] = text;
        return text;
      });
      assert.equal(same, frozen);
      assert.deepEqual(texts, recording.texts);
      checkEveryTextChanges(frozen, (value, map) => dialect.mapReplyText(value, map));
    });
  });
}

/** Whatever stands where something else was expected, nothing throws, and facts keep their types. */
function hostilityContract({ dialect, recordings, query }: DialectSubject): void {
  it('passes over what has an unexpected type', () => {
    const keep: TextMap = (text) => text;
    for (const payload of twisted(query)) {
      const facts = dialect.readQuery(payload);
      checkTypes(facts);
      dialect.mapQueryText(payload, keep);
    }
    for (const recording of recordedReplies(recordings)) {
      for (const payload of twisted(payloadOf(recording.bytes))) {
        const facts = emptyReplyFacts();
        dialect.readReply(payload, facts);
        checkTypes(facts);
        dialect.mapReplyText(payload, keep);
      }
    }
    for (const recording of recordedStreams(recordings)) {
      for (const original of payloadsOf(eventsOf(recording.bytes).events)) {
        for (const payload of twisted(original)) {
          const event = { event: '', data: JSON.stringify(payload) };
          const facts = emptyReplyFacts();
          dialect.readEvent(event, facts);
          checkTypes(facts);
          dialect.mapEventText(payload, keep);
          dialect.endedSlots(event, parseJsonObject(event.data));
        }
      }
    }
  });

  it('passes over events that are not JSON', () => {
    for (const data of ['', '{', 'null', '[]', '1', '"x"', 'DONE', '[DONE', '\u0000']) {
      const facts = emptyReplyFacts();
      assert.deepEqual(dialect.readEvent({ event: '', data }, facts), { output: false });
      assert.deepEqual(facts, emptyReplyFacts());
      assert.deepEqual(dialect.endedSlots({ event: '', data }, parseJsonObject(data)), []);
    }
  });
}

export function problemContract(dialect: Dialect): void {
  const problem = {
    code: 'blocked',
    message: 'No card numbers, please.',
    status: 403,
    requestId: 'request-1',
    traceId: '0af7651916cd43dd8448eb211c80319c',
  };

  it('says an error of ours with its message, code and ids', () => {
    for (const json of [JSON.stringify(dialect.problemBody(problem)), dialect.problemEvent(problem).data]) {
      for (const part of [problem.message, problem.code, problem.requestId, problem.traceId]) {
        assert.ok(json.includes(JSON.stringify(part)), `${part} in ${json}`);
      }
    }
    const untraced = JSON.stringify(dialect.problemBody({ ...problem, traceId: undefined }));
    assert.ok(!untraced.includes('trace_id'));
  });

  it('reads its own error event as an error', () => {
    if (dialect.operation === 'embeddings') return;
    const facts = emptyReplyFacts();
    dialect.readEvent(dialect.problemEvent(problem), facts);
    assert.equal(facts.error, problem.code);
    const ending = dialect.problemEvent(problem);
    assert.equal(dialect.endedSlots(ending, parseJsonObject(ending.data)), 'all');
  });
}

/** What an observer makes of a stream that came in these chunks. */
function observe(dialect: Dialect, chunks: readonly Buffer[]) {
  const facts = emptyReplyFacts();
  let outputs = 0;
  const observer = observeReply({
    dialect,
    status: 200,
    contentType: 'text/event-stream; charset=utf-8',
    contentEncoding: undefined,
    facts,
    limits: defaultLimits,
    onOutput: () => {
      outputs += 1;
    },
  });
  assert.ok(observer);
  for (const chunk of chunks) observer.push(chunk, 0);
  assert.equal(observer.end(true), undefined);
  return { facts, outputs, skipped: observer.skipped };
}

function eventsOf(bytes: Buffer): { events: SseEvent[] } {
  const events: SseEvent[] = [];
  const parser = new SseParser({ eventBytesMax: bytes.length, onEvent: (event) => events.push(event) });
  parser.push(bytes);
  return { events };
}

function payloadsOf(events: readonly SseEvent[]): JsonObject[] {
  return events.map((event) => parseJsonObject(event.data)).filter((payload) => payload !== undefined);
}

function payloadOf(bytes: Buffer): JsonObject {
  const payload = parseJsonObject(bytes.toString());
  assert.ok(payload);
  return payload;
}

function singleBytes(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
}

/** Changing each text once leaves a copy in which each has been changed, and all else is as it was. */
export function checkEveryTextChanges(
  payload: JsonObject,
  run: (payload: JsonObject, map: TextMap) => JsonObject,
): void {
  let texts = 0;
  const marked = run(payload, (text) => {
    texts += 1;
    return `\u{1f512}${text}`;
  });
  assert.equal(marked === payload, texts === 0);
  const restored = run(marked, (text) => {
    assert.ok(text.startsWith('\u{1f512}'));
    return text.slice(2);
  });
  assert.deepEqual(restored, payload);
}

/** A fact is a flag, a finite number, or a text or a list of texts of bounded length. */
export function checkTypes(facts: object): void {
  for (const value of Object.values(facts)) {
    if (typeof value === 'number') assert.ok(Number.isFinite(value));
    else if (typeof value === 'string') assert.ok(value.length <= 256 && value !== '');
    else if (Array.isArray(value)) {
      assert.ok(value.length <= 128);
      for (const item of value) assert.ok(typeof item === 'string' && item.length <= 256);
    } else if (isJsonObject(value)) checkTypes(value);
    else assert.equal(typeof value, 'boolean');
  }
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
