import type { ErrorRequestHandler } from 'express';
import { genericProblemBody } from '../dialects/index.ts';
import { asSightlineError, SightlineError } from '../errors.ts';
import { requestId } from '../exchange/request-id.ts';

/** What Express throws at a path with a `%` that stands for nothing. */
function undecodable(cause: URIError): SightlineError {
  return new SightlineError('malformed_request', { message: 'The path cannot be decoded.', cause });
}

/** Whatever was thrown, as JSON. Express knows an error handler by its four parameters. */
export const answerError: ErrorRequestHandler = (thrown, _request, response, _next) => {
  const error = asSightlineError(thrown instanceof URIError ? undecodable(thrown) : thrown);
  const { id } = requestId(undefined);
  response.status(error.status).json(
    genericProblemBody({
      code: error.code,
      message: error.message,
      status: error.status,
      requestId: id,
      traceId: undefined,
    }),
  );
};
