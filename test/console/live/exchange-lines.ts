import type { ExchangeLine, ExchangesWindow } from '../../../src/admin/api/exchanges.ts';

/** An exchange in flight, unless `more` gives it the number of one that has ended. */
export function lineOf(more: Partial<ExchangeLine> = {}): ExchangeLine {
  return {
    id: 'a',
    kind: 'request',
    spanId: '00f067aa0ba902b7',
    isSampled: true,
    method: 'POST',
    path: '/v1/chat/completions',
    isStream: false,
    startedAt: '2026-11-02T11:06:31.042Z',
    durationMs: 100,
    attempts: 1,
    replyBytes: 0,
    outputChunks: 0,
    ...more,
  };
}

/** Ended ones by their numbers. */
export function endedLines(...seqs: readonly number[]): ExchangeLine[] {
  return seqs.map((seq) => lineOf({ seq, id: `e${seq}`, spanId: `span-${seq}`, outcome: 'completed' }));
}

export function runningLines(...names: readonly string[]): ExchangeLine[] {
  return names.map((name) => lineOf({ id: name, spanId: name }));
}

export function answerOf(
  exchanges: readonly ExchangeLine[],
  more: Partial<ExchangesWindow> = {},
): ExchangesWindow {
  const newest = Math.max(0, ...exchanges.map(({ seq = 0 }) => seq));
  return { inFlight: 0, newest, oldest: 1, isMore: false, exchanges, ...more };
}
