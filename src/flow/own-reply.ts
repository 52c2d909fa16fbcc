import type { Problem } from '../dialects/dialect.ts';
import { genericProblemBody } from '../dialects/index.ts';
import type { SightlineError } from '../errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { Reply } from '../exchange/reply.ts';
import { withHeader } from '../wire/headers.ts';
import { serializeSseEvent } from '../wire/sse-event.ts';
import { replyHeaders } from './reply-headers.ts';
import type { ReplySink } from './reply-sink.ts';

/** Sends a reply that is held in memory. */
export function sendReply(exchange: Exchange, sink: ReplySink, reply: Reply): void {
  exchange.status = reply.status;
  let headers = reply.headers;
  if (reply.body) headers = withHeader(headers, 'content-length', String(reply.body.length));
  sink.head(reply.status, reply.statusMessage, replyHeaders(exchange, headers));
  if (reply.body) sink.write(reply.body);
  for (const chunk of reply.chunks ?? []) sink.write(chunk.bytes);
  sink.end([]);
}

/** An error of ours: as the sink tells it, or as a reply in the shape of the dialect's API. */
export function sendProblem(exchange: Exchange, sink: ReplySink, error: SightlineError): void {
  exchange.status = error.status;
  if (sink.problem) {
    sink.problem(error);
    return;
  }
  const problem = problemOf(exchange, error);
  const body = exchange.route.dialect?.problemBody(problem) ?? genericProblemBody(problem);
  // Nobody knows how much of the request is still to come: the next one gets a fresh connection.
  const headers = exchange.requestBytes === undefined ? ['connection', 'close'] : [];
  // RFC 9110 §15.5.22, RFC 6455 §4.4.
  if (error.code === 'upgrade_required')
    headers.push('connection', 'Upgrade', 'upgrade', 'websocket', 'sec-websocket-version', '13');
  // Anthropic's SDKs read this one.
  headers.push('request-id', exchange.id);
  const reply = Reply.json(error.status, body);
  sink.head(reply.status, undefined, [
    ...replyHeaders(exchange, withHeader(reply.headers, 'content-length', String(reply.body?.length ?? 0))),
    ...headers,
  ]);
  if (reply.body) sink.write(reply.body);
  sink.end([]);
}

/** The same inside a stream that has begun, where the sink has no other way to tell it. */
export function sendProblemEvent(exchange: Exchange, sink: ReplySink, error: SightlineError): void {
  if (sink.problem) return;
  const event = exchange.route.dialect?.problemEvent(problemOf(exchange, error));
  if (event) sink.write(Buffer.from(serializeSseEvent(event)));
}

function problemOf(exchange: Exchange, error: SightlineError): Problem {
  return {
    code: error.code,
    message: error.message,
    status: error.status,
    requestId: exchange.id,
    traceId: exchange.trace?.traceId,
  };
}
