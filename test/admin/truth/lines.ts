import assert from 'node:assert/strict';
import type { ExchangeLine } from '../../../src/admin/api/exchanges.ts';
import type { Journal } from '../../../src/simulator/journal.ts';
import type { JournalEntry } from '../../../src/simulator/recorder.ts';
import { attribute } from '../../../src/telemetry/names.ts';
import type { ReceivedSpan } from '../../support/otlp-sink.ts';
import type { AskedQuery, PlannedRequest, Traffic } from './traffic.ts';

/** Of figures with six digits. */
const rounding = 1.00001;

/** What ended, as the console has it, is what the simulator and the clients say. */
export function checkLines(lines: readonly ExchangeLine[], traffic: Traffic, journal: Journal): void {
  const byId = Map.groupBy(lines, ({ id }) => id);
  const lineOf = (id: string) => {
    const [line, ...more] = byId.get(id) ?? [];
    assert.ok(line && more.length === 0, `${id}: once`);
    return line;
  };
  for (const line of lines) checkAlone(line);
  for (const plan of traffic.requests) checkRequest(lineOf(plan.id), plan, journal.find(plan.id));
  for (const query of traffic.queries) checkQuery(byId.get(query.id)?.[0], query, journal.find(query.id));
  for (const plan of traffic.sessions) {
    const session = lineOf(plan.id);
    const turns = lines.filter(({ kind, sessionId }) => kind === 'turn' && sessionId === plan.id);
    const entries = journal.entries().filter(({ requestId, turn }) => requestId === plan.id && turn);
    checkSession(session, turns);
    assert.equal(session.outcome, plan.ending.session, `${plan.id}: outcome`);
    // Cut off by its client, the last that the upstream said was read by nobody.
    if (!plan.ending.isLossy) checkTurns(plan.id, turns, entries);
  }
}

/** What must be true of any. */
function checkAlone(line: ExchangeLine): void {
  const { outcome, error, durationMs, firstTokenMs, outputChunks, id } = line;
  assert.ok(outcome !== undefined && durationMs >= 0, id);
  assert.equal(
    error === undefined,
    outcome === 'completed' || outcome === 'client_aborted',
    `${id}: ${error}`,
  );
  assert.equal(firstTokenMs === undefined, outputChunks === 0, `${id}: first token`);
  if (firstTokenMs !== undefined)
    assert.ok(firstTokenMs <= durationMs * rounding, `${id}: first token in time`);
  if (line.kind !== 'turn') assert.ok(Math.abs(Date.now() - Date.parse(line.startedAt)) < 60_000, id);
}

function checkRequest(line: ExchangeLine, plan: PlannedRequest, entry: JournalEntry | undefined): void {
  const what = `${plan.id} ${plan.operation} ${plan.model} ${plan.stream ? 'stream' : 'whole'}`;
  const { outcome, model, dialect, path, method, upstream, kind } = line;
  assert.deepEqual(
    { outcome, model, dialect, path, method, upstream, kind },
    {
      outcome: plan.outcome,
      model: plan.model,
      dialect: plan.operation,
      path: plan.path,
      method: 'POST',
      upstream: plan.path.startsWith('/anthropic') ? 'anthropic' : 'default',
      kind: 'request',
    },
    what,
  );
  if (plan.traceparent) assert.ok(plan.traceparent.includes(`${line.traceId}`) && line.isSampled, what);
  if (plan.answeredBy === 'gate') {
    assert.equal(entry, undefined, `${what}: the upstream was not asked`);
    assert.deepEqual([line.attempts, line.status], [0, plan.outcome === 'blocked' ? 403 : 200], what);
    return;
  }
  assert.ok(entry, what);
  const isBroken = plan.model === 'sim-malformed-sse' || plan.model.startsWith('sim-clean-cut');
  checkReply(line, entry, plan.stream || !isBroken, what);
}

/** Where the client has gone, it can have ended before it came to its upstream. */
function checkQuery(
  line: ExchangeLine | undefined,
  query: AskedQuery,
  entry: JournalEntry | undefined,
): void {
  const what = `${query.id} ${query.model}`;
  if (query.outcome !== undefined) assert.equal(line?.outcome, query.outcome, what);
  if (entry) assert.ok(line, `${what}: it has reached the upstream`);
  if (!line) return;
  assert.deepEqual([line.kind, line.model], ['request', query.model], what);
  const hasAll = line.outcome !== 'client_aborted' && line.outcome !== 'upstream_truncated';
  if (entry && hasAll) checkReply(line, entry, true, what);
}

/** The upstream was asked. A whole reply of broken JSON, and an error, say nothing of tokens that could be read. */
function checkReply(line: ExchangeLine, entry: JournalEntry, isReadable: boolean, what: string): void {
  const { status, attempts, replyBytes, outputChunks, inputTokens, outputTokens } = line;
  const said = isReadable && entry.status === 200 ? entry.tokens : {};
  assert.deepEqual(
    { status, attempts, replyBytes, outputChunks, inputTokens, outputTokens },
    {
      status: entry.status ?? (line.outcome === 'timed_out' ? 504 : 502),
      attempts: 1,
      replyBytes: entry.status === undefined ? 0 : entry.replyBytes,
      outputChunks: entry.outputEvents,
      inputTokens: said.input,
      outputTokens: said.output,
    },
    what,
  );
  if (entry.outputEvents > 0) assert.equal(line.isStream, true, what);
  checkTimes(line, entry, what);
}

/**
 * One process, one clock, and what causes comes before what is caused: the attempt begins before the upstream hears of
 * it, an output is seen here after the upstream has sent it, and the attempt is within its exchange.
 */
function checkTimes(line: ExchangeLine, { times, outputEvents }: JournalEntry, what: string): void {
  const { firstTokenMs, durationMs, tokensPerSecond, outputTokens = 0 } = line;
  const { received, firstOutputSent = 0, lastOutputSent = 0, headSent = received } = times;
  assert.ok(durationMs * rounding >= Math.max(headSent, lastOutputSent) - received, `${what}: too short`);
  if (firstTokenMs === undefined) return;
  assert.ok(firstTokenMs * rounding >= firstOutputSent - received, `${what}: first token too soon`);
  assert.equal(tokensPerSecond !== undefined, outputEvents > 1, `${what}: tokens per second`);
  if (tokensPerSecond === undefined) return;
  const counts =
    line.outcome === 'completed' && outputTokens > 0 ? [outputTokens] : [outputTokens, outputEvents];
  const share = 1 - 1 / outputEvents;
  const slowest = (Math.min(...counts) * share * 1_000) / (durationMs - firstTokenMs);
  assert.ok(
    tokensPerSecond * rounding >= slowest,
    `${what}: ${tokensPerSecond} tokens/s, at least ${slowest}`,
  );
  const tookAtLeastMs = lastOutputSent - received - firstTokenMs;
  if (tookAtLeastMs <= 0) return;
  const fastest = (Math.max(...counts) * share * 1_000) / tookAtLeastMs;
  assert.ok(
    tokensPerSecond <= fastest * rounding,
    `${what}: ${tokensPerSecond} tokens/s, at most ${fastest}`,
  );
}

/** A session counts what has its number. */
function checkSession({ id, session, kind }: ExchangeLine, turns: readonly ExchangeLine[]): void {
  assert.ok(kind === 'session' && session, id);
  const outcomes: Record<string, number> = {};
  for (const { outcome = '' } of turns) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  assert.deepEqual([session.turns, session.outcomes], [turns.length, outcomes], id);
  const numbers = turns.map(({ turn = 0 }) => turn).toSorted((a, b) => a - b);
  assert.deepEqual(
    numbers,
    turns.map((_, i) => i + 1),
    id,
  );
}

/** Its turns together are what the upstream did for it; which is which, spans tell. */
function checkTurns(id: string, turns: readonly ExchangeLine[], entries: readonly JournalEntry[]): void {
  const sum = <Item>(items: readonly Item[], of: (item: Item) => number | undefined) =>
    items.reduce((all, item) => all + (of(item) ?? 0), 0);
  const said = entries.filter(({ terminalSent }) => terminalSent);
  assert.equal(
    sum(turns, ({ outputChunks }) => outputChunks),
    sum(entries, ({ outputEvents }) => outputEvents),
    `${id}: output`,
  );
  for (const [key, kind] of [
    ['inputTokens', 'input'],
    ['outputTokens', 'output'],
  ] as const)
    assert.equal(
      sum(turns, (turn) => turn[key]),
      sum(said, ({ tokens }) => tokens[kind]),
      `${id}: ${kind} tokens`,
    );
}

/** A line and the span of the same exchange say the same. */
export function checkAgainstSpan(line: ExchangeLine, span: ReceivedSpan | undefined): void {
  assert.ok(span, `${line.id}: its span was exported`);
  const { attributes, startMs, endMs } = span;
  const { id, outcome, turn, tenant: _tenant } = line;
  assert.deepEqual(
    [attributes[attribute.outcome], attributes[attribute.sessionTurn]],
    [outcome, turn],
    `${id}: its span`,
  );
  assert.equal(startMs, Date.parse(line.startedAt), `${id}: begins with its span`);
  assert.ok(Math.abs(endMs - startMs - line.durationMs) <= 0.02 + line.durationMs * 1e-5, `${id}: as long`);
  if (line.kind !== 'turn') return;
  assert.deepEqual(
    {
      model: attributes[attribute.genAiRequestModel],
      input: attributes[attribute.genAiUsageInputTokens],
      output: attributes[attribute.genAiUsageOutputTokens],
      chunks: attributes[attribute.outputChunks] ?? 0,
    },
    { model: line.model, input: line.inputTokens, output: line.outputTokens, chunks: line.outputChunks },
    `${id}: its span`,
  );
}
