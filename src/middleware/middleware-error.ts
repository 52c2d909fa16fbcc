import { SightlineError } from '../errors.ts';
import { DeadlineError } from '../exchange/deadline.ts';

/** What a middleware threw, as an error that names it. Its own refusals and requests stay what they are. */
export function middlewareError(middleware: string, thrown: unknown): SightlineError {
  if (thrown instanceof SightlineError && thrown.culprit !== undefined) return thrown;
  if (thrown instanceof SightlineError) {
    return new SightlineError(thrown.code, { message: thrown.message, culprit: middleware, cause: thrown });
  }
  const what = thrown instanceof DeadlineError ? `gave ${thrown.message}` : 'failed';
  return new SightlineError('middleware_failed', {
    message: `Middleware '${middleware}' ${what}.`,
    culprit: middleware,
    cause: thrown,
  });
}
