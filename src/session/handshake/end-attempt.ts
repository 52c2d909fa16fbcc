import type { SightlineError } from '../../errors.ts';
import type { Outcome } from '../../exchange/outcome.ts';
import { viewOf } from '../../flow/flow.ts';
import type { Session } from '../session.ts';

/** Ends a session's attempt, where it has one that runs, and tells the watchers. */
export function endAttempt(
  { exchange, services }: Session,
  outcome: Outcome,
  error: SightlineError | undefined,
  at: number,
): void {
  const { attempt } = exchange;
  if (!attempt || attempt.outcome !== undefined) return;
  attempt.end(outcome, error, at);
  const { hooks } = services;
  if (hooks.has('attempt.ended'))
    hooks.notify('attempt.ended', { exchange: exchange.view, attempt: viewOf(attempt) });
}
