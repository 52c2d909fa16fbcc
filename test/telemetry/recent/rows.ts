import { openaiChat } from '../../../src/dialects/openai-chat.ts';
import type { SightlineError } from '../../../src/errors.ts';
import type { Attempt } from '../../../src/exchange/attempt.ts';
import { Exchange } from '../../../src/exchange/exchange.ts';
import type { Outcome } from '../../../src/exchange/outcome.ts';
import { defaultLimits, type Limits } from '../../../src/limits.ts';
import { RecentExchanges } from '../../../src/telemetry/recent/recent-exchanges.ts';

export interface ExchangeFacts {
  readonly id?: string;
  readonly path?: string;
  readonly model?: string;
  readonly upstream?: string;
  readonly tenant?: string;
  readonly traceId?: string;
  readonly outcome?: Outcome;
  readonly error?: SightlineError;
  readonly status?: number;
  /** Ms since the epoch. */
  readonly startedAt?: number;
  readonly durationMs?: number;
  /** What the attempt noted. */
  readonly noted?: (attempt: Attempt) => void;
}

const testLimits: Limits = { ...defaultLimits, recentExchangesMax: 5 };

export function recentOf(limits: Partial<Limits> = {}): RecentExchanges {
  return new RecentExchanges({ ...testLimits, ...limits });
}

/** One that runs. */
export function exchangeOf(facts: ExchangeFacts = {}): Exchange {
  const { id = 'id', path = openaiChat.path, model, upstream = 'default', tenant, traceId } = facts;
  const exchange = new Exchange(
    id,
    false,
    { method: 'POST', target: path, path, headers: [], httpVersion: '1.1' },
    { template: path, upstream, dialect: openaiChat },
    defaultLimits,
  );
  if (facts.startedAt !== undefined)
    Object.assign(exchange, {
      // A whole number: what lasts 2,500 ms from a fraction may come out as a little more.
      clock: { startedEpochMs: facts.startedAt, startedAt: Math.floor(exchange.clock.startedAt) },
    });
  if (model !== undefined) exchange.query = { model, stream: true };
  if (tenant !== undefined) exchange.labels.set('tenant', tenant);
  if (traceId !== undefined) exchange.trace = { traceId, spanId: 'ab'.repeat(8), flags: 1 };
  exchange.status = facts.status ?? 200;
  if (facts.noted)
    facts.noted(exchange.beginAttempt({ name: upstream, provider: undefined, address: 'api', port: 443 }));
  return exchange;
}

export function endedExchange(facts: ExchangeFacts = {}): Exchange {
  const { outcome = 'completed', error, durationMs = 10 } = facts;
  const exchange = exchangeOf(facts);
  exchange.end(outcome, error, exchange.clock.startedAt + durationMs);
  return exchange;
}
