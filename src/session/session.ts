import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { describeError, type SightlineError } from '../errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Outcome } from '../exchange/outcome.ts';
import type { SessionFacts } from '../exchange/session-facts.ts';
import type { FlowServices } from '../flow/flow.ts';
import type { Running } from '../flow/in-flight.ts';
import { beginExchange, endExchange, tellError } from '../flow/moments.ts';

/** A WebSocket handshake that was read and not answered. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What came behind the request's head. */
  readonly head: Buffer;
}

/** Whoever runs a session: told from outside that it has to end. */
export interface SessionRun {
  /** It cannot go on. */
  fail(error: SightlineError): void;
  /** The service stops: the session ends by itself as soon as nothing runs on it. */
  drain(): void;
}

/**
 * A session's place among the exchanges in flight: begun when its upgrade has been read, ended once, also where
 * the upgrade was refused. Whatever happens on it in between, telemetry is made of it here.
 */
export class Session implements Running {
  readonly exchange: Exchange;
  readonly facts: SessionFacts;
  readonly #services: () => FlowServices;
  readonly #seat: number;
  #run: SessionRun | undefined;

  constructor(services: () => FlowServices, exchange: Exchange) {
    if (exchange.place.kind !== 'session') throw new TypeError('A session needs the exchange of one.');
    this.exchange = exchange;
    this.facts = exchange.place.facts;
    this.#services = services;
    // Not kept: they would hold on to plugins that are unloaded while the session goes on.
    this.#seat = beginExchange(services(), this);
  }

  /** Those of now: a session outlives generations of plugins, its turns and messages do not. */
  get services(): FlowServices {
    return this.#services();
  }

  /** Who is told that the session has to end. */
  run(run: SessionRun): void {
    this.#run = run;
  }

  fail(error: SightlineError): void {
    this.#run?.fail(error);
  }

  drain(): void {
    this.#run?.drain();
  }

  /** Told at once: messages of hours would pile it up, and hold on to the plugins that it ran through. */
  middlewareRan(): void {
    const { exchange } = this;
    if (exchange.hasEnded) return;
    const { recorder, log } = this.services;
    try {
      recorder.middlewareRan(exchange);
    } catch (thrown) {
      // Telemetry never harms traffic, not even by a fault of its own.
      log.error({ exchange: exchange.id, ...describeError(thrown) }, 'telemetry failed');
    }
  }

  /** Its connection is gone, or was never made. The first call counts. */
  end(outcome: Outcome, error?: SightlineError, at = performance.now()): void {
    const { exchange } = this;
    if (!exchange.end(outcome, error, at)) return;
    const { services } = this;
    if (error?.outcome === 'failed' && error.code !== 'stopping') {
      services.log.error({ exchange: exchange.id, ...describeError(error) }, error.message);
    }
    if (error) tellError(services, exchange, error);
    endExchange(services, exchange, this.#seat);
  }
}
