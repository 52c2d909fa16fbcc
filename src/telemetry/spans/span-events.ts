import type { Span } from '@opentelemetry/api';
import { type SightlineError, stackFrames } from '../../errors.ts';
import type { Attempt } from '../../exchange/attempt.ts';
import { type Clock, epochMs } from '../../exchange/clock.ts';
import { attribute, spanEvent } from '../names.ts';

/** What happened on an attempt's way: tries to connect, the reply's head, and the first output of the model. */
export function addAttemptEvents(span: Span, clock: Clock, attempt: Attempt): void {
  for (const { number, at, error, nextInMs } of attempt.connectTries) {
    const facts = {
      [attribute.connectNumber]: number,
      ...(error && { [attribute.errorType]: error.code }),
      ...(nextInMs !== undefined && { [attribute.connectNextDelay]: nextInMs / 1000 }),
    };
    span.addEvent(spanEvent.connect, facts, epochMs(clock, at));
  }
  if (attempt.headAt !== undefined) span.addEvent(spanEvent.replyHead, epochMs(clock, attempt.headAt));
  if (attempt.firstOutputAt !== undefined)
    span.addEvent(spanEvent.firstChunk, epochMs(clock, attempt.firstOutputAt));
}

/** As the convention for exceptions says, with our code as the type; a stack only of faults of our own. */
export function addException(span: Span, clock: Clock, error: SightlineError, at: number | undefined): void {
  const stack =
    error.outcome === 'failed' && error.cause instanceof Error
      ? stackFrames(error.cause, error.frames)
      : undefined;
  span.addEvent(
    spanEvent.exception,
    {
      [attribute.exceptionType]: error.code,
      [attribute.exceptionMessage]: error.message,
      ...(stack !== undefined && { [attribute.exceptionStacktrace]: stack }),
    },
    at === undefined ? undefined : epochMs(clock, at),
  );
}
