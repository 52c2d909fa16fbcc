import type { Exchange } from '../exchange/exchange.ts';

/** An exchange in flight, as `/api/exchanges` shows it. */
export function describeExchange(exchange: Exchange) {
  const { attempt, request, route, query, clock } = exchange;
  return {
    id: exchange.id,
    traceId: exchange.trace?.traceId,
    method: request.method,
    path: request.path,
    upstream: route.upstream,
    dialect: route.dialect?.name,
    model: query?.model,
    isStream: attempt?.streamed ?? query?.stream ?? false,
    startedAt: new Date(clock.startedEpochMs).toISOString(),
    elapsedMs: Math.round(performance.now() - clock.startedAt),
    attempts: exchange.attempts.length,
    status: exchange.status,
    replyBytes: attempt?.bytes ?? 0,
    outputChunks: attempt?.outputChunks ?? 0,
  };
}
