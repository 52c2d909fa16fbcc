import type { ErrorCode } from '../errors.ts';
import type { Outcome } from '../exchange/outcome.ts';
import type { Reply } from './reply.ts';

/** What the client itself rejects queries with. */
export type ClientErrorCode =
  /** The connection broke while the query was under way. The reply may have been made, and paid for. */
  | 'connection_lost'
  /** No connection could be made in as many attempts as were wanted; the query was not sent. */
  | 'connection_failed'
  /** The server closed the connection in a way that makes another attempt senseless. */
  | 'connection_refused'
  /** The server sent something that is not of the stream protocol. */
  | 'bad_message'
  /** Too many queries wait for a connection; the query was not sent. */
  | 'queue_full'
  /** `close` was called. */
  | 'closed'
  /** While its events were iterated: the reply is an error, `reply` has it. */
  | 'error_status';

/** Of the client, or a row of the service's error table (README, "Errors of our own"). */
export type QueryErrorCode = ClientErrorCode | ErrorCode | (string & {});

export interface QueryErrorDetail {
  readonly status?: number | undefined;
  readonly field?: string | undefined;
  readonly reason?: string | undefined;
  readonly outcome?: Outcome | undefined;
  readonly traceId?: string | undefined;
  readonly exchangeId?: string | undefined;
  readonly wasSent?: boolean | undefined;
  readonly chunks?: number | undefined;
  readonly reply?: Reply<unknown> | undefined;
  readonly cause?: unknown;
}

/** The one error that queries are rejected with. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  readonly code: QueryErrorCode;
  /** It went to the server, so the reply may have been made, and paid for. It is never sent again by itself. */
  readonly wasSent: boolean;
  /** Pieces of the reply that had come. */
  readonly chunks: number;
  /** The HTTP status that stands for the error, where the server gave it. */
  declare readonly status?: number;
  /** What of the message was wrong (`body.model`) … */
  declare readonly field?: string;
  /** … and what was expected there. */
  declare readonly reason?: string;
  /** How the exchange ended, where that is known. */
  declare readonly outcome?: Outcome;
  declare readonly traceId?: string;
  declare readonly exchangeId?: string;
  /** The reply, where it came and is itself the error. */
  declare readonly reply?: Reply<unknown>;

  constructor(code: QueryErrorCode, message: string, detail: QueryErrorDetail = {}) {
    const {
      cause,
      wasSent = false,
      chunks = 0,
      status,
      field,
      reason,
      outcome,
      traceId,
      exchangeId,
      reply,
    } = detail;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.wasSent = wasSent;
    this.chunks = chunks;
    // What is not known is not there: an error that is printed shows what it has.
    const known = Object.entries({ status, field, reason, outcome, traceId, exchangeId, reply });
    Object.assign(this, Object.fromEntries(known.filter(([, value]) => value !== undefined)));
  }
}
