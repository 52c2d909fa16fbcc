import type { Attempt } from '../../exchange/attempt.ts';
import type { Exchange, ExchangePlace } from '../../exchange/exchange.ts';
import type { Outcome } from '../../exchange/outcome.ts';
import type { SessionFacts } from '../../exchange/session-facts.ts';
import { exchangeErrorType } from '../error-type.ts';
import type { SharedTexts } from './shared-texts.ts';

/**
 * What is worth seeing of an exchange in a list of many. It holds on to nothing of the exchange, and no text of it is
 * longer than `SharedTexts` lets through. What is not known is undefined.
 */
export type ExchangeRow = Readonly<WritableRow>;

/** … as whoever keeps it has it. */
export class WritableRow {
  /** Its number in the order in which they ended, from 1; 0 while it runs. */
  seq!: number;
  id!: string;
  kind!: ExchangePlace['kind'];
  sessionId!: string | undefined;
  turn!: number | undefined;
  traceId!: string | undefined;
  spanId!: string | undefined;
  isSampled!: boolean;
  method!: string;
  path!: string;
  upstream!: string | undefined;
  dialect!: string | undefined;
  model!: string | undefined;
  tenant!: string | undefined;
  isStream!: boolean;
  /** Since the epoch. */
  startedAtMs!: number;
  durationMs!: number;
  outcome!: Outcome | undefined;
  error!: string | undefined;
  status!: number | undefined;
  attempts!: number;
  firstTokenMs!: number | undefined;
  inputTokens!: number | undefined;
  outputTokens!: number | undefined;
  replyBytes!: number;
  outputChunks!: number;
  tokensPerSecond!: number | undefined;
  session!: SessionRow | undefined;
}

export type SessionRow = ReturnType<typeof sessionRow>;

/** As it is at `now` (`performance.now()`), or as it has ended. */
export function writeRow(
  row: WritableRow,
  exchange: Exchange,
  seq: number,
  texts: SharedTexts,
  now: number,
): void {
  const { attempt, request, route, query, clock, place, session, trace } = exchange;
  const until = exchange.endedAt ?? now;
  row.seq = seq;
  row.id = exchange.id;
  row.kind = place.kind;
  row.sessionId = session?.id;
  row.turn = place.kind === 'turn' ? place.number : undefined;
  row.traceId = trace?.traceId;
  row.spanId = trace?.spanId;
  row.isSampled = trace?.flags === 1;
  row.method = request.method;
  row.path = texts.share(request.path);
  row.upstream = attempt?.upstream.name ?? route.upstream;
  row.dialect = route.dialect?.name;
  row.model = texts.share(query?.model);
  row.tenant = texts.share(tenantOf(exchange));
  row.isStream = attempt?.streamed ?? query?.stream ?? false;
  row.startedAtMs = clock.startedEpochMs;
  row.durationMs = Math.max(0, until - clock.startedAt);
  row.outcome = exchange.outcome;
  row.error = exchange.outcome && texts.share(exchangeErrorType(exchange));
  row.status = exchange.status;
  row.attempts = exchange.attempts.length;
  row.firstTokenMs = attempt && firstTokenMs(attempt);
  row.inputTokens = attempt?.reply.usage.input;
  row.outputTokens = attempt?.reply.usage.output;
  row.replyBytes = attempt?.bytes ?? 0;
  row.outputChunks = attempt?.outputChunks ?? 0;
  row.tokensPerSecond = attempt && tokensPerSecond(attempt, until);
  row.session = place.kind === 'session' ? sessionRow(place.facts) : undefined;
}

/** Nothing checks the types of a plugin that is not TypeScript. */
function tenantOf({ labels, attributes }: Exchange): string | undefined {
  const tenant: unknown = labels.get('tenant') ?? attributes.get('tenant');
  if (typeof tenant === 'string') return tenant;
  return typeof tenant === 'number' || typeof tenant === 'boolean' ? String(tenant) : undefined;
}

function firstTokenMs({ firstOutputAt, startedAt }: Attempt): number | undefined {
  return firstOutputAt === undefined ? undefined : firstOutputAt - startedAt;
}

/**
 * Of the tokens that came after the first event with output, whose own had their time before it. Until an upstream has
 * said all, what it tells of its usage may be of the beginning alone: then each such event counts as one token.
 */
function tokensPerSecond(attempt: Attempt, until: number): number | undefined {
  const { streamed, firstOutputAt, outputChunks, reply } = attempt;
  if (!streamed || firstOutputAt === undefined || outputChunks < 2) return undefined;
  const { output = 0 } = reply.usage;
  const tokens = reply.terminal && output > 0 ? output : Math.max(output, outputChunks);
  const seconds = ((attempt.endedAt ?? until) - firstOutputAt) / 1_000;
  return seconds > 0 ? (tokens * (1 - 1 / outputChunks)) / seconds : undefined;
}

/** What has happened on a session so far. */
function sessionRow({ protocol, turns, outcomes, received }: SessionFacts) {
  const { client, upstream } = received;
  return {
    protocol,
    turns,
    outcomes: { ...outcomes },
    messages: { client: client.messages, upstream: upstream.messages },
    bytes: { client: client.bytes, upstream: upstream.bytes },
  };
}
