import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TextMap } from '../../src/dialects/dialect.ts';
import { dialectFor, dialectNamed, sessionDialectFor } from '../../src/dialects/index.ts';
import type { SessionDialect, UpstreamMark } from '../../src/dialects/session-dialect.ts';
import { emptyReplyFacts, type ReplyFacts } from '../../src/exchange/facts.ts';
import { type JsonObject, parseJsonObject } from '../../src/wire/json.ts';
import { recordedSessions, type SessionRecording } from '../dialects/recordings.ts';
import { twisted } from '../dialects/twisted.ts';
import { checkEveryTextChanges, checkTypes, deepFreeze, problemContract } from './dialect.ts';

export interface SessionDialectSubject {
  readonly dialect: SessionDialect;
  /** The folder of `test/recordings` with sessions of its providers. */
  readonly recordings: string;
  /** Messages of the client with every kind of text that they have, and the texts, by slot. */
  readonly queries: readonly {
    readonly message: JsonObject;
    readonly texts: Readonly<Record<string, string>>;
  }[];
}

/** What every dialect of sessions has to do, whatever it means. Each one's test calls this first. */
export function sessionDialectContract(subject: SessionDialectSubject): void {
  const { dialect } = subject;
  describe(`${dialect.name}: contract of a session dialect`, () => {
    upgradeContract(dialect);
    for (const { message, texts } of subject.queries) queryContract(dialect, message, texts);
    for (const recording of recordedSessions(subject.recordings)) recordingContract(dialect, recording);
    hostilityContract(subject);
    problemContract(dialect);
  });
}

function upgradeContract(dialect: SessionDialect): void {
  it('is found by its own path, with any base path before it, and by upgrades only', () => {
    assert.equal(sessionDialectFor(dialect.path), dialect);
    assert.equal(sessionDialectFor(`/some/base${dialect.path}`), dialect);
    assert.equal(sessionDialectFor(`${dialect.path}/x`), undefined);
    assert.equal(sessionDialectFor(`${dialect.path}x`), undefined);
    for (const method of ['GET', 'POST']) assert.equal(dialectFor(method, dialect.path), undefined);
    assert.equal(dialectNamed(dialect.name), dialect);
  });
}

function queryContract(dialect: SessionDialect, message: JsonObject, expected: object): void {
  it(`maps every text of ${message.type}, and gives back the same object where nothing changed`, () => {
    const frozen = deepFreeze(structuredClone(message));
    const texts: Record<string, string> = {};
    const same = dialect.mapQueryText(frozen, (text, slot) => {
      texts[slot] = text;
      return text;
    });
    assert.equal(same, frozen);
    assert.deepEqual(texts, expected);
    checkEveryTextChanges(frozen, (payload, map) => dialect.mapQueryText(payload, map));
  });
}

/** What a session is read as: as whoever runs its turns would. */
interface SessionReading {
  model: string | undefined;
  readonly queries: (string | undefined)[];
  readonly refused: object[];
  readonly turns: Record<string, TurnReading>;
  /** Texts outside of turns, by slot. */
  readonly texts: Record<string, string>;
}

interface TurnReading {
  outcome?: string;
  outputs: number;
  readonly texts: Record<string, string>;
  readonly facts: ReplyFacts;
}

function recordingContract(dialect: SessionDialect, { name, messages, expected }: SessionRecording): void {
  describe(`session ${name}`, () => {
    const events = messages.filter(({ from }) => from === 'upstream').map(({ text }) => payloadOf(text));

    it('is read right', () => {
      const reading: SessionReading = { model: undefined, queries: [], refused: [], turns: {}, texts: {} };
      for (const { from, text } of messages) {
        const payload = deepFreeze(payloadOf(text));
        if (from === 'client') readClient(dialect, payload, reading);
        else readUpstream(dialect, payload, text, reading);
      }
      assert.deepEqual(reading, expected);
    });

    it('has its texts mapped, and is the same object where nothing changed', () => {
      for (const payload of events) {
        const frozen = deepFreeze(payload);
        assert.equal(
          dialect.mapEventText(frozen, (text) => text),
          frozen,
        );
        checkEveryTextChanges(frozen, (value, map) => dialect.mapEventText(value, map));
      }
    });

    it('repeats whole texts as they came in pieces, and ends each slot after its last piece', () => {
      const open = new Map<string, string>();
      const ended = new Set<string>();
      let turn: string | undefined;
      for (const payload of events) {
        const mark = dialect.upstreamMark(payload);
        if (mark.kind === 'begin') turn = mark.turn;
        const named = (slot: string) => (slot.startsWith('item:') ? `${turn}:${slot}` : slot);
        dialect.mapEventText(payload, (text, slot) => {
          const whole = /^whole:(.*)$/.exec(slot)?.[1];
          if (whole !== undefined) {
            const pieces = open.get(named(whole));
            if (pieces !== undefined && text !== '') assert.equal(text, pieces, slot);
          } else {
            assert.ok(!ended.has(named(slot)), `${slot} goes on after its end`);
            open.set(named(slot), (open.get(named(slot)) ?? '') + text);
          }
          return text;
        });
        const ends = dialect.endedSlots({ event: '', data: JSON.stringify(payload) }, payload);
        for (const slot of open.keys()) {
          const own = slot.startsWith(`${turn}:`) ? slot.slice(`${turn}:`.length) : slot;
          if (ends !== 'all' ? ends.some((end) => own.startsWith(end)) : slot !== own) {
            open.delete(slot);
            ended.add(slot);
          }
        }
      }
      assert.deepEqual([...open], []);
    });
  });
}

function readClient(dialect: SessionDialect, payload: JsonObject, reading: SessionReading): void {
  const mark = dialect.clientMark(payload);
  if (mark.kind === 'query') reading.queries.push(mark.eventId);
}

function readUpstream(
  dialect: SessionDialect,
  payload: JsonObject,
  data: string,
  reading: SessionReading,
): void {
  reading.model ??= dialect.readModel(payload);
  const mark = dialect.upstreamMark(payload);
  if (mark.kind === 'refused') {
    const { kind, ...refusal } = mark;
    reading.refused.push(refusal);
  }
  const turn = turnOf(mark, reading);
  const texts = turn?.texts ?? reading.texts;
  dialect.mapEventText(payload, (text, slot) => {
    if (!slot.startsWith('whole:') && text !== '') texts[slot] = (texts[slot] ?? '') + text;
    return text;
  });
  if (!turn) return;
  const facts = structuredClone(turn.facts);
  const { output } = dialect.readEvent({ event: '', data }, turn.facts);
  assert.deepEqual([dialect.readMessage(payload, facts).output, facts], [output, turn.facts]);
  if (output) turn.outputs += 1;
  if (mark.kind === 'end') turn.outcome = mark.outcome;
}

function turnOf(mark: UpstreamMark, { turns }: SessionReading): TurnReading | undefined {
  if (mark.kind === 'begin') turns[mark.turn] = { outputs: 0, texts: {}, facts: emptyReplyFacts() };
  if (mark.kind !== 'begin' && mark.kind !== 'part' && mark.kind !== 'end') return undefined;
  assert.ok(mark.turn !== undefined && turns[mark.turn], 'a part of a turn that has not begun');
  return turns[mark.turn];
}

/** Whatever stands where something else was expected, nothing throws, and what is told keeps its types. */
function hostilityContract({ dialect, recordings, queries }: SessionDialectSubject): void {
  const keep: TextMap = (text) => text;

  it("passes over what has an unexpected type in a client's message", () => {
    for (const { message } of queries) {
      for (const payload of twisted(message)) {
        const mark = dialect.clientMark(payload);
        checkLabel(mark.eventId);
        checkTypes(dialect.readQuery(payload));
        dialect.mapQueryText(payload, keep);
      }
    }
  });

  it("passes over what has an unexpected type in an upstream's message", () => {
    for (const { messages } of recordedSessions(recordings)) {
      for (const { from, text } of messages) {
        if (from === 'client') continue;
        for (const payload of twisted(payloadOf(text))) {
          checkLabel(dialect.readModel(payload));
          const mark = dialect.upstreamMark(payload);
          if ('turn' in mark) checkLabel(mark.turn);
          if (mark.kind === 'refused') checkLabel(mark.eventId ?? mark.error);
          const event = { event: '', data: JSON.stringify(payload) };
          const facts = emptyReplyFacts();
          dialect.readEvent(event, facts);
          dialect.readReply(payload, facts);
          checkTypes(facts);
          dialect.mapEventText(payload, keep);
          dialect.mapReplyText(payload, keep);
          dialect.endedSlots(event, payload);
        }
      }
    }
  });

  it('passes over messages that are not JSON, and reads none of them as opaque', () => {
    for (const data of ['', '{', 'null', '[]', '1', '"x"', '\u0000', '{}', '{"type":']) {
      const facts = emptyReplyFacts();
      assert.deepEqual(dialect.readEvent({ event: '', data }, facts), { output: false });
      assert.deepEqual(facts, emptyReplyFacts());
      assert.equal(dialect.isOpaque(Buffer.from(data)), false);
    }
  });

  it('takes any target for an upgrade', () => {
    for (const target of ['', '?', '/x?model=', '/x?model=%', '/x?&&==', `/x?model=${'m'.repeat(5_000)}`]) {
      checkLabel(dialect.upgradeModel(target));
    }
  });
}

function checkLabel(value: string | undefined): void {
  if (value !== undefined) checkTypes({ value });
}

function payloadOf(text: string): JsonObject {
  const payload = parseJsonObject(text);
  assert.ok(payload, text);
  return payload;
}
