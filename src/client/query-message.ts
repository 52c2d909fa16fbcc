import type { QueryMessageInput } from '../stream/protocol.ts';
import { base64Of } from './bytes.ts';
import type { QueryOptions } from './options.ts';

/** The query as the stream protocol has it; what was left out stays so. */
export function queryMessage(id: number, options: QueryOptions, window: number) {
  const { path, method, headers, body, trailers, reply, traceparent, tracestate } = options;
  return {
    type: 'query',
    id,
    path,
    window,
    method,
    headers,
    trailers,
    reply,
    traceparent,
    tracestate,
    ...bodyOf(body),
  } satisfies Loose<QueryMessageInput>;
}

/** JSON leaves out what is undefined. Headers may be read-only. */
type Loose<Message> = {
  readonly [Field in keyof Message]: Field extends 'headers' | 'trailers'
    ? QueryOptions['headers'] | undefined
    : Message[Field] | undefined;
};

function bodyOf(body: QueryOptions['body']) {
  if (typeof body === 'string') return { text: body };
  if (body instanceof Uint8Array) return { base64: base64Of(body) };
  return { body: body as QueryMessageInput['body'] };
}
