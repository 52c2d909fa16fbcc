import assert from 'node:assert/strict';
import type { SessionFacts } from '../../src/exchange/session-facts.ts';
import type { Service } from '../../src/service.ts';

/** What is known of the only session of a service, also while it runs. */
export function factsOf(service: Service): SessionFacts {
  const [place] = service.inFlight.exchanges().map((exchange) => exchange.place);
  assert.ok(place?.kind === 'session');
  return place.facts;
}
