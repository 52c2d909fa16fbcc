import { isUtf8 } from 'node:buffer';
import { SightlineError } from '../../errors.ts';
import type { Limits } from '../../limits.ts';
import { clientMessages } from '../../stream/protocol.ts';
import { messageHeaders } from '../../stream/server-message.ts';
import { headerValue, type RawHeaders, withoutHeaders } from '../../wire/headers.ts';
import type { TransportRequest } from '../transport.ts';

/** A request whose body is there. */
export interface WholeRequest extends Omit<TransportRequest, 'body'> {
  readonly body: Buffer | undefined;
}

/** Room for what `withId` adds. */
const idBytesMax = 32;

/**
 * The request as a `query` message that has no id yet. Throws `malformed_request` where the stream protocol has no
 * room for it, and `body_too_large`.
 */
export function queryText(
  request: WholeRequest,
  limits: Pick<Limits, 'streamWindowBytes' | 'messageBytesMax'>,
): string {
  const { messageBytesMax } = limits;
  if (request.body && request.body.length > messageBytesMax) throw tooLarge(messageBytesMax);
  const trace = traceOf(request.headers);
  const headers = withoutHeaders(request.headers, trace.traceparent === undefined ? ownOfHop : ownOrTrace);
  const trailers = request.trailers();
  const query = {
    type: 'query',
    method: request.method,
    path: request.target,
    headers: messageHeaders(headers),
    ...(trailers.length > 0 && { trailers: messageHeaders(trailers) }),
    reply: 'bytes',
    window: limits.streamWindowBytes,
    ...trace,
  } as const;
  const checked = clientMessages.query.safeParse({ ...query, id: 0 });
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new SightlineError('malformed_request', {
      message: `The stream protocol cannot carry this request: ${issue?.path.join('.')} is not as it must be there (${issue?.message}).`,
    });
  }
  const text = JSON.stringify({ ...query, ...bodyField(request.body) });
  if (Buffer.byteLength(text) + idBytesMax > messageBytesMax) throw tooLarge(messageBytesMax);
  return text;
}

/** It gets its id when it is sent, and waits as the text that it is by then. */
export function withId(id: number, text: string): string {
  return `{"id":${id},${text.slice(1)}`;
}

export function tooLarge(bytesMax: number): SightlineError {
  return new SightlineError('body_too_large', {
    message: `The request is larger than one message to this upstream may be: ${bytesMax} bytes.`,
  });
}

/** It is not checked: it was made here, and may be long. */
function bodyField(body: Buffer | undefined): { readonly text?: string; readonly base64?: string } {
  if (body === undefined) return {};
  return isUtf8(body) ? { text: body.toString() } : { base64: body.toString('base64') };
}

/** They are made anew on each hop; the WebSocket has told the host. */
const ownOfHop = new Set(['host', 'content-length']);
const ownOrTrace = new Set([...ownOfHop, 'traceparent', 'tracestate']);

/** The trace goes apart from the other headers, since the query's span at the hub belongs below the attempt's. */
function traceOf(headers: RawHeaders): { readonly traceparent?: string; readonly tracestate?: string } {
  const traceparent = headerValue(headers, 'traceparent');
  if (traceparent === undefined || traceparent.length > 256) return {};
  const states = headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === 'tracestate');
  const tracestate = states.join(',');
  // Where there is too much of it, it may be left out (Trace Context §3.3.1.5).
  return { traceparent, ...(tracestate !== '' && tracestate.length <= 1_024 && { tracestate }) };
}
