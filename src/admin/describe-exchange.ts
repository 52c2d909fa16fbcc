import type { Exchange } from '../exchange/exchange.ts';
import type { SessionFacts } from '../exchange/session-facts.ts';

/** An exchange in flight, as `/api/exchanges` shows it. */
export function describeExchange(exchange: Exchange) {
  const { attempt, request, route, query, clock, place } = exchange;
  return {
    id: exchange.id,
    kind: place.kind,
    sessionId: exchange.session?.id,
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
    ...(place.kind === 'turn' && { turn: place.number }),
    ...(place.kind === 'session' && { session: describeSession(place.facts) }),
  };
}

/** What has happened on a session so far; `startedAt` beside it says since when it is open. */
function describeSession({ protocol, turns, outcomes, received }: SessionFacts) {
  const { client, upstream } = received;
  return {
    protocol,
    turns,
    outcomes: { ...outcomes },
    messages: { client: client.messages, upstream: upstream.messages },
    bytes: { client: client.bytes, upstream: upstream.bytes },
  };
}
