import assert from 'node:assert/strict';
import type { Outcome } from '../../../src/exchange/outcome.ts';
import type { JournalEntry } from '../../../src/simulator/recorder.ts';
import type { Tokens } from '../../../src/simulator/script.ts';
import { attribute } from '../../../src/telemetry/names.ts';
import type { ReceivedSpan } from '../../support/otlp-sink.ts';
import type { Played } from './stage.ts';

/** What is true of a turn, for sums. */
export interface TurnTruth {
  readonly model: string;
  readonly outcome: Outcome;
  readonly tokens: Tokens;
  readonly outputs: number;
  /** The upstream has begun it. */
  readonly hasBegun: boolean;
}

const sessionSums = {
  input: attribute.sessionInputTokens,
  output: attribute.sessionOutputTokens,
  cacheRead: attribute.sessionCacheReadInputTokens,
  cacheCreation: attribute.sessionCacheCreationInputTokens,
  reasoning: attribute.sessionReasoningOutputTokens,
} as const;

/** Chat's words for what a realtime API calls so. */
const reasons: Readonly<Record<string, string>> = {
  completed: 'stop',
  max_output_tokens: 'length',
  failed: 'error',
};
const cancelled = new Set(['client_cancelled', 'turn_detected']);

/** Durations go through nanoseconds since 1970, ms. */
const rounding = 0.01;
/** Each exchange reads the calendar once, which has whole milliseconds. */
const calendar = 2;

/** What telemetry tells of one session and its turns, against the upstream's journal and its client. */
export function checkSession(
  played: Played,
  all: readonly ReceivedSpan[],
  journal: readonly JournalEntry[],
): TurnTruth[] {
  const what = `session ${played.id} (${played.model})`;
  const spans = all.filter((span) => span.attributes[attribute.sessionId] === played.id);
  const turns = spans
    .filter((span) => span.attributes[attribute.sessionTurn] !== undefined)
    .sort((a, b) => numberOf(a) - numberOf(b));
  const [session, ...more] = spans.filter(({ kind }) => kind === 'SERVER');
  assert.ok(session && more.length === 0, `${what}: one SERVER span`);
  assert.equal(spans.length, turns.length + 2, `${what}: a session, its connection and its turns`);
  assert.deepEqual(
    turns.map(numberOf),
    turns.map((_, i) => i + 1),
    `${what}: turns are numbered`,
  );
  for (const turn of turns) {
    assert.deepEqual(
      [turn.traceId, turn.parentSpanId, turn.kind],
      [session.traceId, session.spanId, 'CLIENT'],
    );
    const isWithin = turn.startMs >= session.startMs - calendar && turn.endMs <= session.endMs + calendar;
    assert.ok(isWithin, `${what}: within its session`);
  }
  const entries = journal.filter(({ requestId, turn }) => requestId === played.id && turn !== undefined);
  const truths = new Pairs(played, what).check(turns, entries);
  checkSums(played, what, session, truths);
  return truths;
}

function checkSums(played: Played, what: string, { attributes }: ReceivedSpan, truths: readonly TurnTruth[]) {
  assert.equal(attributes[attribute.outcome], played.session, `${what}: outcome`);
  assert.equal(attributes[attribute.sessionTurns], truths.length, `${what}: turns`);
  assert.equal(attributes[attribute.sessionTurnsDropped], undefined, what);
  assert.equal(attributes[attribute.sessionRefusedMessages], undefined, what);
  for (const [kind, key] of Object.entries(sessionSums))
    assert.equal(attributes[key], sum(truths, kind as keyof Tokens), `${what}: ${kind} tokens`);
  if (played.isLossy) return;
  const { said, got } = played.witness;
  assert.equal(attributes[attribute.sessionClientMessages], said, `${what}: messages of the client`);
  assert.equal(attributes[attribute.sessionUpstreamMessages], got, `${what}: messages of the upstream`);
}

/** The turns of telemetry and those of the journal, side by side. */
class Pairs {
  readonly #played: Played;
  readonly #what: string;

  constructor(played: Played, what: string) {
    this.#played = played;
    this.#what = what;
  }

  check(turns: readonly ReceivedSpan[], entries: readonly JournalEntry[]): TurnTruth[] {
    const named = new Map<unknown, ReceivedSpan>();
    const unnamed: ReceivedSpan[] = [];
    for (const turn of turns) {
      const id = turn.attributes[attribute.genAiResponseId];
      assert.ok(!named.has(id), `${this.#what}: ${String(id)} once`);
      if (id === undefined) unnamed.push(turn);
      else named.set(id, turn);
    }
    const refused = unnamed.filter((turn) => isRefused(turn));
    const unbegun = unnamed.filter((turn) => !isRefused(turn));
    const truths = entries.map((entry) => {
      const turn = entry.responseId === undefined ? undefined : named.get(entry.responseId);
      if (turn) named.delete(entry.responseId);
      return turn ? this.#begun(turn, entry) : this.#unbegun(unbegun.shift(), entry);
    });
    assert.deepEqual([...named.keys()], [], `${this.#what}: turns that were none`);
    for (const turn of refused) truths.push(this.#outcome(turn, 'upstream_error'));
    const { isLossy, witness, turn: brokenOff = this.#played.session } = this.#played;
    if (!isLossy) assert.equal(refused.length, witness.refusals, `${this.#what}: refused turns`);
    // Asked for here, when nobody listened there any more.
    if (!isLossy) assert.equal(unbegun.length, 0, `${this.#what}: turns that nobody knows of`);
    for (const turn of unbegun) truths.push(this.#outcome(turn, brokenOff));
    return truths;
  }

  #begun(span: ReceivedSpan, entry: JournalEntry): TurnTruth {
    const { isLossy, session, turn = session, model, witness } = this.#played;
    const { attributes } = span;
    const what = `${this.#what}, turn ${entry.turn}`;
    const told = list(attributes[attribute.genAiResponseFinishReasons]);
    if (!isLossy) assert.equal(told.length > 0, entry.terminalSent, `${what}: said all`);
    const isWhole = told.length > 0;
    const said = isWhole ? entry : { finishReasons: [], tokens: {} };
    const { [attribute.genAiRequestModel]: asked, [attribute.genAiRequestMaxTokens]: maxTokens } = attributes;
    assert.deepEqual([asked, maxTokens], [model, witness.asks.get(entry.requestSha256)?.maxTokens], what);
    assert.equal(attributes[attribute.genAiResponseModel], entry.modelAnswered, what);
    const finishReasons = said.finishReasons.map((reason) => reasons[reason] ?? reason);
    assert.deepEqual([told, tokensOf(span)], [finishReasons, said.tokens], what);
    const outputs = Number(attributes[attribute.outputChunks]);
    const heard = witness.responses.get(entry.responseId ?? '');
    if (isWhole || !isLossy) assert.equal(outputs, entry.outputEvents, `${what}: output`);
    assert.ok(outputs >= (heard?.outputs ?? 0) && outputs <= entry.outputEvents, `${what}: output`);
    this.#times(span, entry, what, isWhole || !isLossy);
    const { outcome } = this.#outcome(span, isWhole ? outcomeOf(entry) : turn);
    return { model, outcome, tokens: said.tokens, outputs, hasBegun: true };
  }

  #unbegun(span: ReceivedSpan | undefined, entry: JournalEntry): TurnTruth {
    const { isLossy, session, turn = session, unbegun = turn } = this.#played;
    assert.ok(span, `${this.#what}, turn ${entry.turn}: is told of`);
    if (!isLossy) assert.equal(entry.outputEvents, 0, `${this.#what}, turn ${entry.turn}: had not begun`);
    return this.#outcome(span, unbegun);
  }

  #outcome(span: ReceivedSpan, outcome: Outcome): TurnTruth {
    const { model } = this.#played;
    assert.equal(
      span.attributes[attribute.outcome],
      outcome,
      `${this.#what}, turn ${numberOf(span)}: outcome`,
    );
    return { model, outcome, tokens: tokensOf(span), outputs: 0, hasBegun: false };
  }

  /**
   * One process, one clock, and what causes comes before what is caused: a turn begins between the client's word and
   * the upstream's ear, and its first output was seen between the upstream's mouth and the client's ear.
   */
  #times(
    span: ReceivedSpan,
    { times, requestSha256, responseId }: JournalEntry,
    what: string,
    isExact: boolean,
  ): void {
    const { witness } = this.#played;
    const askedAt = witness.asks.get(requestSha256)?.at;
    const { firstOutputAt, doneAt } = witness.responses.get(responseId ?? '') ?? {};
    const durationMs = span.endMs - span.startMs;
    const firstMs = span.attributes[attribute.genAiResponseTimeToFirstChunk];
    // Unasked, it begins here when the news comes.
    const beganBy = askedAt === undefined ? Number.POSITIVE_INFINITY : times.received;
    const beganAfter = askedAt ?? times.received;
    const firstSent = firstMs === undefined ? undefined : times.firstOutputSent;
    const { lastOutputSent: lastSeen = 0 } = isExact ? times : { lastOutputSent: firstSent };
    assert.ok(durationMs >= Math.max(0, lastSeen - beganBy) - rounding, `${what}: too short`);
    if (doneAt !== undefined)
      assert.ok(durationMs <= doneAt - beganAfter + rounding, `${what}: takes too long`);
    assert.equal(firstMs === undefined, span.attributes[attribute.outputChunks] === 0, what);
    if (firstMs === undefined) return;
    const first = Number(firstMs) * 1000;
    assert.ok(
      first >= Math.max(0, (times.firstOutputSent ?? 0) - beganBy) - rounding,
      `${what}: first too soon`,
    );
    assert.ok(first <= durationMs + rounding, `${what}: first output behind the end`);
    if (firstOutputAt !== undefined)
      assert.ok(first <= firstOutputAt - beganAfter + rounding, `${what}: first too late`);
  }
}

function outcomeOf({ finishReasons: [reason = ''] }: JournalEntry): Outcome {
  if (reason === 'failed') return 'upstream_error';
  return cancelled.has(reason) ? 'client_aborted' : 'completed';
}

function isRefused({ attributes }: ReceivedSpan): boolean {
  return attributes[attribute.errorType] === 'conversation_already_has_active_response';
}

function tokensOf({ attributes }: ReceivedSpan): Tokens {
  const told = {
    input: attributes[attribute.genAiUsageInputTokens],
    output: attributes[attribute.genAiUsageOutputTokens],
    cacheRead: attributes[attribute.genAiUsageCacheReadInputTokens],
    cacheCreation: attributes[attribute.genAiUsageCacheCreationInputTokens],
    reasoning: attributes[attribute.genAiUsageReasoningOutputTokens],
  };
  return Object.fromEntries(Object.entries(told).filter(([, count]) => count !== undefined));
}

/** Nothing where no turn tells. */
function sum(truths: readonly TurnTruth[], kind: keyof Tokens): number | undefined {
  const counts = truths.flatMap(({ tokens }) => tokens[kind] ?? []);
  return counts.length === 0 ? undefined : counts.reduce((all, count) => all + count, 0);
}

function numberOf({ attributes }: ReceivedSpan): number {
  return Number(attributes[attribute.sessionTurn]);
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
