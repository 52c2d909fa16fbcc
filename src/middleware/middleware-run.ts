import type { Exchange, MiddlewarePhase, MiddlewareRun } from '../exchange/exchange.ts';
import { breakerOpen, middlewareError } from './middleware-error.ts';
import type { MiddlewareStack, StackEntry } from './stack.ts';

/** Begins a run, and notes it on the exchange. */
export function beginRun(
  exchange: Exchange,
  { name, owner }: StackEntry,
  phase: MiddlewarePhase,
  isUnderWay: boolean,
): MiddlewareRun {
  const run = {
    middleware: name,
    owner,
    phase,
    startedAt: performance.now(),
    durationMs: 0,
    calls: isUnderWay ? 1 : 0,
    isUnderWay,
    error: undefined,
  };
  exchange.noteRun(run);
  return run;
}

/** Throws, unless the middleware declares that the exchange goes on without it. A refusal is no failure. */
export function survive(
  stack: MiddlewareStack,
  entry: StackEntry,
  run: MiddlewareRun,
  thrown: unknown,
): void {
  const error = middlewareError(entry, thrown);
  run.error = error;
  // Another outcome is what it says of the exchange, as a body that a client sent broken: so it works.
  if (error.outcome === 'failed') entry.breaker?.failed(run.phase, thrown);
  else entry.breaker?.succeeded(run.phase);
  if (entry.middleware.onFailure !== 'continue' || error.code === 'blocked') throw error;
  stack.report(entry.name, error);
}

/** Its breaker lets no call through. Throws where it must not be skipped. */
export function passOver(entry: StackEntry): true {
  if (entry.middleware.onFailure === 'continue') return true;
  throw breakerOpen(entry);
}
