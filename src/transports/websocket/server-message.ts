import {
  type MessageHeaders,
  type ReceivedChunk,
  type ReceivedError,
  type ReceivedMessage,
  type ReceivedResponse,
  type ServerMessageType,
  serverMessages,
} from '../../stream/protocol.ts';
import type { RawHeaders } from '../../wire/headers.ts';
import type { JsonObject } from '../../wire/json.ts';

/**
 * A message of the server; `unknown` where its type is none of ours. Those are passed over, as HTTP/2 does with
 * frames (RFC 9113 §5.5): a later version may have more to say.
 */
export function readServerMessage(message: JsonObject): ReceivedMessage | 'unknown' | 'invalid' {
  const { type } = message;
  if (typeof type !== 'string') return 'invalid';
  if (!Object.hasOwn(serverMessages, type)) return 'unknown';
  const result = serverMessages[type as ServerMessageType].safeParse(message);
  return result.success ? result.data : 'invalid';
}

export function rawHeaders(headers: MessageHeaders = {}): RawHeaders {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string') fields.push(name, value);
    else for (const one of value) fields.push(name, one);
  }
  return fields;
}

/** The bytes of a piece, or of a body that came whole; undefined where there are none, or what is there is no base64. */
export function bytesOf(message: ReceivedChunk | ReceivedResponse): Buffer | 'invalid' | undefined {
  const { text, base64 } = message;
  if (text !== undefined) return Buffer.from(text);
  if (base64 !== undefined) {
    const bytes = Buffer.from(base64, 'base64');
    // Node passes over what is no base64: then there are fewer bytes than its length says.
    return bytes.length === Buffer.byteLength(base64, 'base64') ? bytes : 'invalid';
  }
  if ('body' in message && message.body) return Buffer.from(JSON.stringify(message.body));
  return undefined;
}

/** A reply of the other Sightline's own, in a shape that OpenAI's SDKs read as well as Anthropic's. */
export interface OwnReply {
  readonly status: number;
  readonly headers: RawHeaders;
  readonly body: Buffer;
}

/** What another Sightline says instead of a reply: over HTTP it would have been one, and so it becomes one. */
export function ownReply({ error }: ReceivedError): OwnReply {
  const { code, message, status, traceId, exchangeId } = error;
  const type = status < 500 ? 'invalid_request_error' : 'api_error';
  const body = Buffer.from(
    JSON.stringify({
      type: 'error',
      error: { type, code, message, param: null, ...(traceId !== undefined && { trace_id: traceId }) },
      ...(exchangeId !== undefined && { request_id: exchangeId }),
    }),
  );
  const headers = ['content-type', 'application/json', 'content-length', String(body.length)];
  if (exchangeId !== undefined && /^[\x21-\x7e]+$/.test(exchangeId)) headers.push('x-request-id', exchangeId);
  return { status, headers, body };
}
