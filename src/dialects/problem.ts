import type { JsonObject } from '../wire/json.ts';
import type { Problem } from './dialect.ts';

/** OpenAI's two families of errors: the client's fault and the server's. */
function openaiErrorType(status: number): string {
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** Anthropic's types, by status: https://docs.claude.com/en/api/errors */
const anthropicErrorTypes = new Map([
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [408, 'timeout_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [503, 'overloaded_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
]);

function traceOf(problem: Problem): JsonObject {
  return problem.traceId === undefined ? {} : { trace_id: problem.traceId };
}

/** For a request that speaks no dialect. */
export function genericProblemBody(problem: Problem): JsonObject {
  const { code, message, status, requestId } = problem;
  return {
    error: { type: openaiErrorType(status), code, message, request_id: requestId, ...traceOf(problem) },
  };
}

/** OpenAI's SDKs read `error.message`, `type`, `param` and `code`, of a body and of a stream event alike. */
export function openaiProblemBody(problem: Problem): JsonObject {
  const { code, message, status, requestId, field = null, reason } = problem;
  return {
    error: {
      message,
      type: openaiErrorType(status),
      param: field,
      code,
      ...(reason !== undefined && { reason }),
      request_id: requestId,
      ...traceOf(problem),
    },
  };
}

/** Anthropic's SDKs read `error.type` and `error.message`, of a body and of an `error` event alike. */
export function anthropicProblemBody(problem: Problem): JsonObject {
  const { code, message, status, requestId } = problem;
  const type = anthropicErrorTypes.get(status) ?? (status < 500 ? 'invalid_request_error' : 'api_error');
  return { type: 'error', error: { type, message, code, ...traceOf(problem) }, request_id: requestId };
}
