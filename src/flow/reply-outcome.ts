import type { Attempt } from '../exchange/attempt.ts';
import type { Outcome } from '../exchange/outcome.ts';

/** The outcome of a reply that came to its end. */
export function replyOutcome(attempt: Attempt): Outcome {
  const { reply, status = 0, streamed, unobserved } = attempt;
  if (status >= 400 || reply.error !== undefined) return 'upstream_error';
  // A stream that stops without its terminal event has broken off, however tidily it was closed; some
  // backends send no terminal event after a finish reason.
  const isWhole = reply.terminal || reply.finishReasons.length > 0 || unobserved !== undefined;
  return streamed && !isWhole ? 'upstream_truncated' : 'completed';
}
