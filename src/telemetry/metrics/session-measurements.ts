import type { Attributes, ObservableResult } from '@opentelemetry/api';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Peer, SessionFacts } from '../../exchange/session-facts.ts';
import { attribute } from '../names.ts';
import type { Instruments } from './instruments.ts';

/** What sessions of one protocol with one upstream have done. */
interface Traffic {
  readonly labels: Attributes;
  readonly messages: Record<Peer, number>;
  readonly bytes: Record<Peer, number>;
  refused: number;
}

const peers = ['client', 'upstream'] as const;

/**
 * Turns WebSocket sessions into measurements. What happens on them is counted by themselves, and read when
 * metrics are collected: a message costs nothing here, and a session of hours shows while it runs.
 */
export class SessionMeasurements {
  readonly #instruments: Instruments;
  /** Of those that have ended. Protocols and upstreams are few: no client can invent one. */
  readonly #ended = new Map<string, Traffic>();
  #running: () => readonly Exchange[] = () => [];

  constructor(instruments: Instruments) {
    this.#instruments = instruments;
    const { sessionMessages, sessionBytes, sessionRefusedMessages } = instruments;
    sessionMessages.addCallback((result) => this.#observe(result, 'messages'));
    sessionBytes.addCallback((result) => this.#observe(result, 'bytes'));
    sessionRefusedMessages.addCallback((result) => {
      for (const { labels, refused } of this.#traffic()) result.observe(refused, labels);
    });
  }

  /** Where to find the exchanges that run. */
  watch(running: () => readonly Exchange[]): void {
    this.#running = running;
  }

  begin(session: Exchange, facts: SessionFacts): void {
    this.#instruments.sessionActive.add(1, labelsOf(session, facts));
  }

  end(session: Exchange, facts: SessionFacts, tags: Attributes): void {
    const { sessionActive, sessionRefusals, sessionDuration } = this.#instruments;
    const labels = labelsOf(session, facts);
    sessionActive.add(-1, labels);
    const { clock, endedAt = clock.startedAt, outcome = 'failed', trace } = session;
    const ended = { ...labels, [attribute.outcome]: outcome, ...tags };
    if (session.status !== 101) {
      sessionRefusals.add(1, ended);
      return;
    }
    sessionDuration.series(ended).record(Math.max(0, endedAt - clock.startedAt) / 1000, trace);
    add(this.#ended, session, facts);
  }

  #observe(result: ObservableResult, what: 'messages' | 'bytes'): void {
    for (const { labels, [what]: counts } of this.#traffic())
      for (const peer of peers) result.observe(counts[peer], { ...labels, [attribute.direction]: peer });
  }

  #traffic(): Iterable<Traffic> {
    const traffic = structuredClone(this.#ended);
    for (const exchange of this.#running()) {
      const { place, hasEnded } = exchange;
      if (place.kind === 'session' && !hasEnded) add(traffic, exchange, place.facts);
    }
    return traffic.values();
  }
}

function add(traffic: Map<string, Traffic>, session: Exchange, facts: SessionFacts): void {
  const key = `${facts.protocol} ${session.route.upstream ?? ''}`;
  let sum = traffic.get(key);
  if (!sum) {
    const zero = { client: 0, upstream: 0 };
    sum = { labels: labelsOf(session, facts), messages: { ...zero }, bytes: { ...zero }, refused: 0 };
    traffic.set(key, sum);
  }
  for (const peer of peers) {
    sum.messages[peer] += facts.received[peer].messages;
    sum.bytes[peer] += facts.received[peer].bytes;
  }
  sum.refused += facts.refused;
}

function labelsOf({ route }: Exchange, { protocol }: SessionFacts): Attributes {
  return {
    [attribute.sessionProtocol]: protocol,
    ...(route.upstream !== undefined && { [attribute.upstream]: route.upstream }),
  };
}
