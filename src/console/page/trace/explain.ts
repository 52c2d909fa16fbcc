import { type Outcome, outcomes } from '../../../exchange/outcome.ts';
import { attribute } from '../../../telemetry/names.ts';
import type { ExchangeFacts } from './exchange-facts.ts';
import { numberOf, outcomeOf, textOf } from './span-facts.ts';

/** How an exchange ended, in sentences for people. */
export function explain(exchange: ExchangeFacts): string {
  const { outcome, error, attempts, isRunning, kind } = exchange;
  if (isRunning) return running(exchange);
  if (outcome === undefined) return 'How it ended is not known here.';
  const sentences: string[] = [];
  if (kind === 'session') sentences.push(sessionEnd(exchange));
  // The words for requests do not fit a session that simply ended.
  if (kind !== 'session' || outcome !== 'completed') sentences.push(meaning(exchange, outcome));
  if (error?.message && !sentences.includes(error.message)) sentences.push(sentence(error.message));
  if (attempts.length > 1) sentences.push(retries(exchange));
  return sentences.filter(Boolean).join(' ');
}

/** 4xx that tell of the upstream's own state, not of what was asked. */
const statusesOfState = [408, 425, 429];

function meaning({ attempts, error }: ExchangeFacts, outcome: Outcome): string {
  const last = attempts.at(-1);
  const status = last && numberOf(last, attribute.httpResponseStatusCode);
  if (outcome !== 'upstream_error' || status === undefined || status < 400) return outcomes[outcome];
  const isOfRequest = status < 500 && !statusesOfState.includes(status);
  const answer = `The upstream answered with status ${status}${isTold(error, status) ? ` (${error.code})` : ''}.`;
  return isOfRequest ? `${answer} What was asked is at fault, not the upstream.` : answer;
}

/** An upstream that gives no code of its own has its status for one. */
export function isTold<Problem extends { readonly code: string }>(
  error: Problem | undefined,
  status: number | undefined,
): error is Problem {
  return error !== undefined && error.code !== String(status);
}

function running({ kind, firstTokenMs, isStream, attempts }: ExchangeFacts): string {
  if (kind === 'session') return 'The session is open.';
  if (attempts.length === 0) return 'It has not gone to an upstream yet.';
  if (!isStream) return 'The upstream is working on its reply.';
  return firstTokenMs === undefined ? 'It waits for the first token.' : 'The reply streams.';
}

function retries({ attempts, outcome }: ExchangeFacts): string {
  const failed = attempts.filter((span) => outcomeOf(span) !== 'completed');
  const why = failed.map(
    (span) =>
      `attempt ${numberOf(span, attribute.attempt) ?? '?'} ended with ${problem(span)} at ${textOf(span, attribute.upstream) ?? 'the upstream'}`,
  );
  if (failed.length === 0) return '';
  const end = outcome === 'completed' ? ` Attempt ${attempts.length} succeeded.` : '';
  return `${sentence(capital(why.join(', ')))}${end}`;
}

function problem(span: ExchangeFacts['attempts'][number]): string {
  const status = numberOf(span, attribute.httpResponseStatusCode);
  const outcome = outcomeOf(span) ?? 'an error';
  return status !== undefined && status >= 400 ? `status ${status}` : outcome.replaceAll('_', ' ');
}

/** https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const closeCodes: Readonly<Record<number, string>> = {
  1000: 'normal',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1005: 'no code given',
  1006: 'connection lost',
  1007: 'invalid data',
  1008: 'policy violation',
  1009: 'message too big',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
};

const closers: Readonly<Record<string, string>> = {
  client: 'the client',
  upstream: 'the upstream',
  sightline: 'Sightline',
};

function sessionEnd({ span }: ExchangeFacts): string {
  const code = span && numberOf(span, attribute.sessionCloseCode);
  if (!span || code === undefined) return '';
  const by = textOf(span, attribute.sessionClosedBy);
  const reason = textOf(span, attribute.sessionCloseReason);
  const name = closeCodes[code];
  const told = [name, reason && `“${reason}”`].filter(Boolean).join(', ');
  return `Closed by ${(by && closers[by]) ?? by ?? 'nobody known'} with ${code}${told && ` (${told})`}.`;
}

/** Of an exchange, for lists and titles. */
export function titleOf({ kind, method, path, model, turn, span }: ExchangeFacts): string {
  if (kind === 'turn') return `Turn ${turn ?? ''}`.trim();
  const what = kind === 'session' ? 'WebSocket' : (method ?? '');
  const place = path ?? span?.name ?? model ?? '';
  return `${what} ${place}`.trim();
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
