import type { Outcome } from './exchange/outcome.ts';

/**
 * Every error that Sightline itself answers or reports. One row each:
 * - `status`: HTTP status;
 * - `close`: WebSocket close code (RFC 6455 §7.4, IANA registry);
 * - `outcome`: how an exchange that dies of it ended;
 * - `message`: for the client, where the place that raises it says nothing more exact.
 */
interface ErrorRow {
  readonly status: number;
  readonly close: number;
  readonly outcome: Outcome;
  readonly message: string;
}

const table = {
  bad_request_target: row(400, 1008, 'blocked', 'The request target is not a path that can be forwarded.'),
  malformed_json: row(400, 1007, 'blocked', 'The body is not valid JSON, and a middleware has to read it.'),
  unauthorized: row(401, 1008, 'blocked', 'A valid token is required.'),
  blocked: row(403, 1008, 'blocked', 'The request was refused by a middleware.'),
  host_not_allowed: row(403, 1008, 'blocked', 'The Host header names no address of this plane.'),
  route_unknown: row(404, 1008, 'blocked', 'No upstream is configured for this path.'),
  cross_site: row(403, 1008, 'blocked', 'Pages of other origins can neither read nor change anything here.'),
  resource_unknown: row(404, 1008, 'blocked', 'There is no such resource.'),
  request_timeout: row(408, 1008, 'timed_out', 'The request did not arrive in time.'),
  plugin_needed: row(409, 1008, 'blocked', 'Other plugins need this one.'),
  plugin_rejected: row(422, 1008, 'blocked', 'The plugin cannot be loaded.'),
  body_too_large: row(413, 1009, 'blocked', 'The request body is larger than the limit.'),
  content_type_unsupported: row(
    415,
    1003,
    'blocked',
    'A middleware has to read the body, and its content type or encoding cannot be read.',
  ),
  malformed_request: row(400, 1002, 'blocked', 'The request is not valid HTTP.'),
  too_many_wrong_tokens: row(429, 1008, 'blocked', 'Too many wrong tokens were sent. Try again later.'),
  too_many_pipelined: row(429, 1008, 'blocked', 'Too many requests wait on this connection.'),
  headers_too_large: row(431, 1009, 'blocked', 'The request headers are larger than the limit.'),
  origin_not_allowed: row(403, 1008, 'blocked', 'Pages of this origin may not open WebSockets here.'),
  bad_upgrade: row(400, 1002, 'blocked', 'The request is not a valid WebSocket handshake.'),
  upgrade_required: row(426, 1002, 'blocked', 'This path takes WebSocket connections only (version 13).'),
  too_many_streams: row(503, 1013, 'blocked', 'Too many event streams are open.'),
  too_many_sessions: row(503, 1013, 'blocked', 'Too many WebSocket sessions are open.'),
  bad_frame: row(400, 1002, 'blocked', 'The client sent something that is no valid WebSocket frame.'),
  bad_text: row(400, 1007, 'blocked', 'The client sent a text message that is not valid UTF-8.'),
  message_too_large: row(413, 1009, 'blocked', 'The message is larger than the limit.'),
  too_many_messages: row(429, 1008, 'blocked', 'The client sends too many messages.'),
  too_many_queries: row(429, 1008, 'blocked', 'Too many queries are under way on this connection.'),
  message_invalid: row(400, 1008, 'blocked', 'The message is not as its type wants it.'),
  unknown_type: row(400, 1008, 'blocked', 'Nobody has registered this type of message.'),
  message_failed: row(500, 1011, 'failed', 'The handler of a message type failed.'),
  internal: row(500, 1011, 'failed', 'Sightline failed.'),
  middleware_failed: row(500, 1011, 'failed', 'A middleware failed.'),
  breaker_open: row(
    503,
    1013,
    'failed',
    'A middleware that must not be skipped is out of order after repeated failures.',
  ),
  upstream_invalid_reply: row(
    502,
    1014,
    'upstream_error',
    'The upstream answered with something that is not HTTP.',
  ),
  upstream_unreachable: row(502, 1014, 'upstream_unreachable', 'The upstream cannot be reached.'),
  upstream_closed: row(
    502,
    1014,
    'upstream_unreachable',
    'The upstream closed the connection without a reply.',
  ),
  upstream_truncated: row(
    502,
    1014,
    'upstream_truncated',
    'The upstream broke off in the middle of its reply.',
  ),
  reply_too_large: row(502, 1009, 'failed', 'The reply is larger than what a middleware may read.'),
  upstream_saturated: row(503, 1013, 'failed', 'Too many requests wait for this upstream.'),
  stopping: row(503, 1012, 'failed', 'Sightline is stopping.'),
  data_plane_closed: row(503, 1013, 'failed', 'The data plane takes no requests: it starts, or it stops.'),
  upstream_timeout: row(504, 1014, 'timed_out', 'The upstream did not answer in time.'),
  upstream_bad_frame: row(
    502,
    1014,
    'upstream_error',
    'The upstream sent something that is no valid WebSocket message.',
  ),
  upstream_message_too_large: row(
    502,
    1014,
    'upstream_error',
    'The upstream sent a message that is larger than the limit.',
  ),
  upstream_close_code: row(
    502,
    1014,
    'upstream_error',
    'The upstream closed the session with an error code.',
  ),
  upstream_lost: row(504, 1014, 'upstream_truncated', 'The upstream no longer answers pings.'),
  client_lost: row(408, 1001, 'client_aborted', 'The client no longer answers pings.'),
  client_stalled: row(408, 1008, 'client_aborted', 'The client stopped reading.'),
  client_aborted: row(499, 1001, 'client_aborted', 'The client hung up.'),
} as const satisfies Record<string, ErrorRow>;

function row(status: number, close: number, outcome: Outcome, message: string): ErrorRow {
  return { status, close, outcome, message };
}

export type ErrorCode = keyof typeof table;
export const errorTable: Readonly<Record<ErrorCode, ErrorRow>> = table;

interface ErrorDetail {
  /** For the client and for people; says what was expected. */
  message?: string;
  /** The middleware, hook or plugin at fault. */
  culprit?: string;
  cause?: unknown;
  /** Where the cause came from, in lines of a plugin's own source, which its stack does not know. */
  frames?: string | undefined;
}

/** An error with a row in the table. What was caught is wrapped as `cause`, never mutated. */
export class SightlineError extends Error {
  override readonly name = 'SightlineError';
  readonly code: ErrorCode;
  readonly culprit: string | undefined;
  /** For logs and spans, never for clients. */
  readonly frames: string | undefined;

  constructor(code: ErrorCode, detail: ErrorDetail = {}) {
    // Nothing checks the types of a plugin that is not TypeScript.
    const known: ErrorCode = Object.hasOwn(errorTable, code) ? code : 'internal';
    super(detail.message ?? errorTable[known].message, { cause: detail.cause });
    this.code = known;
    this.culprit = detail.culprit;
    this.frames = detail.frames;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get outcome(): Outcome {
    return errorTable[this.code].outcome;
  }
}

/**
 * A stack without the message at its head, which can quote what somebody wrote. `frames` are those of its
 * plugin's own source, where they are known.
 */
export function stackFrames(error: Error, frames = framesOf(error)): string {
  return frames === '' ? nameOf(error) : `${nameOf(error)}\n${frames}`;
}

/** An error for the log. Never throws, whatever was thrown at us. */
export function describeError(thrown: unknown, frames?: string) {
  const own = thrown instanceof SightlineError ? thrown : undefined;
  const error = own?.cause instanceof Error ? own.cause : thrown;
  if (!(error instanceof Error)) return { error: typeof error };
  return {
    ...(own && { code: own.code, culprit: own.culprit }),
    error: [nameOf(error), messageOf(error)].filter(Boolean).join(': '),
    stack: stackFrames(error, frames ?? own?.frames),
  };
}

// Plugins throw errors of their own making: their properties may be anything, or throw themselves.

export function nameOf(error: Error): string {
  return textOf(() => error.name) ?? 'Error';
}

/**
 * What `JSON.parse` and its like throws quotes the text, which may be somebody's prompt: of syntax errors
 * only the place is told.
 */
export function messageOf(error: Error): string {
  return error instanceof SyntaxError ? '' : (textOf(() => error.message) ?? '');
}

function framesOf(error: Error): string {
  const lines = textOf(() => error.stack)?.split('\n') ?? [];
  return lines.filter((line) => /^\s+at /.test(line)).join('\n');
}

function textOf(read: () => unknown): string | undefined {
  try {
    const value = read();
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Anything that was thrown, as one of ours. */
export function asSightlineError(thrown: unknown): SightlineError {
  return thrown instanceof SightlineError ? thrown : new SightlineError('internal', { cause: thrown });
}
