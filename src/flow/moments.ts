import { describeError, type SightlineError } from '../errors.ts';
import type { Attempt } from '../exchange/attempt.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Outcome } from '../exchange/outcome.ts';
import type { Query } from '../exchange/query.ts';
import type { HookSystem } from '../hooks/hook-system.ts';
import type { AttemptView } from '../hooks/points.ts';
import type { Logger } from '../log.ts';
import type { RawHeaders } from '../wire/headers.ts';
import type { InFlight, Running } from './in-flight.ts';
import type { Recorder } from './recorder.ts';

/*
 * The moments of an exchange, in their order: what telemetry and the watchers of its hook points hear of it, whoever
 * runs it.
 */

interface Watched {
  readonly hooks: HookSystem;
}

interface Recorded extends Watched {
  readonly recorder: Recorder;
}

interface Witnesses extends Recorded {
  readonly inFlight: InFlight;
  readonly log: Logger;
}

/** Returns its seat among those in flight, for `endExchange`. */
export function beginExchange({ recorder, inFlight, hooks }: Witnesses, running: Running): number {
  const { exchange } = running;
  recorder.begin(exchange);
  const seat = inFlight.add(running);
  if (hooks.has('exchange.started')) hooks.notify('exchange.started', { exchange: exchange.view });
  return seat;
}

/** Middleware has done with it: this is what goes to the model. */
export function tellQuery({ hooks }: Watched, exchange: Exchange, query: Query): void {
  if (!hooks.has('query.ready')) return;
  Object.freeze(query.headers);
  hooks.notify('query.ready', { exchange: exchange.view, query });
}

/** Returns the headers that tell the upstream of it. */
export function beginAttempt(
  { recorder, hooks }: Recorded,
  exchange: Exchange,
  attempt: Attempt,
): RawHeaders {
  const headers = recorder.beginAttempt(exchange, attempt);
  if (hooks.has('attempt.started'))
    hooks.notify('attempt.started', { exchange: exchange.view, attempt: viewOf(attempt) });
  return headers;
}

export function tellHead({ hooks }: Watched, exchange: Exchange, status: number, headers: RawHeaders): void {
  if (!hooks.has('reply.head')) return;
  Object.freeze(headers);
  hooks.notify('reply.head', { exchange: exchange.view, status, headers });
}

/** An event with output of the model has come. */
export function noteOutput({ hooks }: Watched, exchange: Exchange, attempt: Attempt, at: number): void {
  const isFirst = attempt.noteOutput(at);
  if (isFirst && hooks.has('reply.first_token'))
    hooks.notify('reply.first_token', { exchange: exchange.view, elapsedMs: at - exchange.clock.startedAt });
}

/** A piece of the body has gone to the client. */
export function noteChunk({ hooks }: Watched, exchange: Exchange, bytes: Buffer): void {
  if (hooks.has('reply.chunk')) hooks.notify('reply.chunk', { exchange: exchange.view, bytes });
}

/** Ends the newest attempt, where there is one that runs. */
export function endAttempt(
  { hooks }: Watched,
  exchange: Exchange,
  outcome: Outcome,
  error: SightlineError | undefined,
  at = performance.now(),
): void {
  const { attempt } = exchange;
  if (!attempt || attempt.outcome !== undefined) return;
  attempt.end(outcome, error, at);
  if (hooks.has('attempt.ended'))
    hooks.notify('attempt.ended', { exchange: exchange.view, attempt: viewOf(attempt) });
}

export function tellError({ hooks }: Watched, exchange: Exchange, error: SightlineError): void {
  if (hooks.has('exchange.error')) hooks.notify('exchange.error', { exchange: exchange.view, error });
}

/** It has its outcome: telemetry is made of it, and it leaves its seat. */
export function endExchange(
  { recorder, hooks, inFlight, log }: Witnesses,
  exchange: Exchange,
  seat: number,
): void {
  try {
    recorder.end(exchange);
    if (hooks.has('exchange.ended')) hooks.notify('exchange.ended', { exchange: exchange.view });
  } catch (thrown) {
    // Telemetry never harms traffic, not even by a fault of its own.
    log.error({ exchange: exchange.id, ...describeError(thrown) }, 'telemetry failed');
  } finally {
    inFlight.delete(seat);
  }
}

/** As it is now: hooks alter nothing, whatever they do to what they get. */
function viewOf({ number, upstream, status, outcome, outputChunks, bytes }: Attempt): AttemptView {
  return Object.freeze({ number, upstream, status, outcome, outputChunks, bytes });
}
