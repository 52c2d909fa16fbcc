import type { Problem } from '../../dialects/dialect.ts';
import type { SessionDialect } from '../../dialects/session-dialect.ts';
import type { SightlineError } from '../../errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Sending } from '../session-reader.ts';

/** Which message was wrong, by the client's own id, and what in it, where its type tells. */
export type ProblemDetail = Pick<Problem, 'eventId' | 'field' | 'reason'>;

/** An error of ours for the client of a session: in the shape of its dialect, or in one of ours. */
export function problemMessage(
  dialect: SessionDialect | undefined,
  exchange: Exchange,
  error: SightlineError,
  { eventId, field, reason }: ProblemDetail = {},
): Sending {
  const { code, message, status } = error;
  const traceId = exchange.trace?.traceId;
  const text = dialect
    ? dialect.problemEvent({ code, message, status, requestId: exchange.id, traceId, eventId, field, reason })
        .data
    : JSON.stringify({ type: 'error', error: { code, message, field, reason } });
  return textMessage('client', text);
}

export function textMessage(to: Sending['to'], text: string): Sending {
  return { to, data: Buffer.from(text), isBinary: false };
}
