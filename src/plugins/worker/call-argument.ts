import { revivedError, revivedProblem } from './plain-error.ts';
import { asBuffer, buffersIn, contentBuffers, revivedQuery, revivedReply } from './plain-message.ts';
import type { CallArgument, PlainPayload } from './protocol.ts';

/** What a callback is given, in the thread: what middleware and hooks in the service are given. */
export function argumentOf(argument: CallArgument): unknown {
  switch (argument.kind) {
    case 'query':
      return revivedQuery(argument.query);
    case 'reply':
      return revivedReply(argument.reply);
    case 'error':
      return revivedError(argument.error);
    case 'hook':
      return payloadOf(argument.payload);
  }
}

/** What of it moves instead of being copied. */
export function argumentBuffers(argument: CallArgument): ArrayBuffer[] {
  switch (argument.kind) {
    case 'query':
      return buffersIn(argument.query.body);
    case 'reply':
      return contentBuffers(argument.reply.content);
    case 'error':
      return [];
    case 'hook':
      return buffersIn(argument.payload.query?.body, argument.payload.bytes);
  }
}

function payloadOf({ query, error, problem, bytes, ...plain }: PlainPayload): object {
  return {
    ...plain,
    ...(query && { query: revivedQuery(query) }),
    ...(error && { error: revivedError(error) }),
    ...(problem && { problem: revivedProblem(problem) }),
    ...(bytes && { bytes: asBuffer(bytes) }),
  };
}
