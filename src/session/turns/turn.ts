import { AttemptContent } from '../../dialects/content/attempt-content.ts';
import type { SessionDialect } from '../../dialects/session-dialect.ts';
import { describeError, type SightlineError } from '../../errors.ts';
import type { UpstreamIdentity } from '../../exchange/attempt.ts';
import { Exchange, type RequestHead } from '../../exchange/exchange.ts';
import type { QueryFacts } from '../../exchange/facts.ts';
import type { Outcome } from '../../exchange/outcome.ts';
import type { Query } from '../../exchange/query.ts';
import { Reply } from '../../exchange/reply.ts';
import type { FlowServices } from '../../flow/flow.ts';
import type { Running } from '../../flow/in-flight.ts';
import { releaseWhenLeft } from '../../flow/lease.ts';
import {
  beginAttempt,
  beginExchange,
  endAttempt,
  endExchange,
  noteOutput,
  tellError,
  tellHead,
  tellQuery,
} from '../../flow/moments.ts';
import type { HookSystem } from '../../hooks/hook-system.ts';
import type { Logger } from '../../log.ts';
import type { Passage } from '../../middleware/passage.ts';
import type { RawHeaders } from '../../wire/headers.ts';
import type { JsonObject } from '../../wire/json.ts';
import type { Session } from '../session.ts';
import type { Asker } from './way-in.ts';

/** Told once, when a turn has ended. */
export interface TurnWatcher {
  turnEnded(turn: Turn): void;
}

export interface TurnParts {
  readonly session: Session;
  /** Of the generation that the turn begins with, and keeps. */
  readonly services: FlowServices;
  readonly dialect: SessionDialect;
  readonly upstream: UpstreamIdentity;
  readonly watcher: TurnWatcher;
  readonly request: RequestHead;
  readonly query: QueryFacts;
  /** Size of the message that asks for it; undefined where the upstream began by itself. */
  readonly queryBytes: number | undefined;
}

const noHeaders: RawHeaders = Object.freeze([]);

/**
 * One turn of a session: an exchange like any other, from the message that asks for it to its outcome. Whatever
 * happens on the way, it ends exactly once: it settles, its middleware is left, it has ended.
 */
export class Turn implements Running, Asker {
  readonly exchange: Exchange;
  readonly passage: Passage | undefined;
  /** The client's own id of the message that asks for it. */
  eventId: string | undefined;
  /** The upstream's id of it; undefined while it has not begun there. */
  id: string | undefined;
  /** Waits to begin, and an error that names no message may have been the upstream's refusal: the error's name. */
  doubt: string | undefined;
  /** It has failed here while the upstream goes on with it: nothing more of it reaches the client. */
  isCutOff = false;
  readonly #parts: TurnParts;
  readonly #seat: number;
  /** Of the session, as the upstream has told it when the turn began there. */
  #model: string | undefined;
  #result: { readonly outcome: Outcome; readonly error: SightlineError | undefined } | undefined;

  constructor(parts: TurnParts) {
    this.#parts = parts;
    const { session, services, request, query, queryBytes } = parts;
    const { stack, lease, limits } = services;
    session.facts.turns += 1;
    const number = session.facts.turns;
    const place = { kind: 'turn', session: session.exchange, number } as const;
    const { id, route } = session.exchange;
    const exchange = new Exchange(`${id}.${number}`, false, request, route, limits, place);
    exchange.query = query;
    exchange.requestBytes = queryBytes;
    this.exchange = exchange;
    this.passage = stack.enter(exchange);
    lease?.acquire();
    this.#seat = beginExchange(services, this);
  }

  /** One that the upstream begins by itself is younger than the bytes that tell of it, and maybe of its end. */
  #since(at: number): number {
    const { attempt, clock } = this.exchange;
    return Math.max(at, attempt?.startedAt ?? clock.startedAt);
  }

  /** How it ends is known: nothing that comes later changes it. */
  get isOver(): boolean {
    return this.#result !== undefined;
  }

  get hooks(): HookSystem {
    return this.#parts.services.hooks;
  }

  get log(): Logger {
    return this.#parts.services.log;
  }

  /** It is the upstream's now: asked by this query, or begun there without one. */
  asked(query: Query | undefined): void {
    const { exchange } = this;
    const { services, upstream, dialect } = this.#parts;
    if (query) tellQuery(services, exchange, query);
    const attempt = exchange.beginAttempt(upstream);
    attempt.streamed = true;
    exchange.overheadMs += attempt.startedAt - exchange.clock.startedAt;
    // The headers that tell of the trace are for a request of its own: frames go on as they came.
    beginAttempt(services, exchange, attempt);
    const limits = dialect.content && services.recorder.contentLimits?.(exchange);
    if (limits) attempt.content = new AttemptContent(dialect.content, limits, query?.peek());
  }

  /**
   * The upstream has taken it, which is what a status of 200 says elsewhere. `model`: of the session, where the
   * upstream has told.
   */
  begun(at: number, model: string | undefined): void {
    const { exchange } = this;
    const { attempt } = exchange;
    if (!attempt || this.isOver) return;
    this.#model = model;
    attempt.headAt = this.#since(at);
    attempt.status = 200;
    exchange.status = 200;
    tellHead(this.#parts.services, exchange, 200, noHeaders);
  }

  /** A message of the upstream that belongs to it: read, before anybody changes it. */
  note(payload: JsonObject, bytes: number, at: number): void {
    const { exchange } = this;
    const { attempt } = exchange;
    if (!attempt || this.isOver) return;
    const { dialect, services } = this.#parts;
    attempt.bytes += bytes;
    const { reply } = attempt;
    const { output } = dialect.readMessage(payload, reply);
    // Most dialects say it once for all turns.
    if (reply.model === undefined && this.#model !== undefined) reply.model = this.#model;
    if (output) noteOutput(services, exchange, attempt, this.#since(at));
  }

  /** The upstream has said all of it. It ends when the client has it, and whoever was entered is left. */
  said(outcome: Outcome, at: number): void {
    this.#replied(outcome, 200, at);
  }

  /** The upstream refuses the message that asks for it, for the reason of this name. */
  refused(name: string, at: number): void {
    const { attempt } = this.exchange;
    if (attempt && !this.isOver) attempt.reply.error ??= name;
    this.#replied('upstream_error', 400, at);
  }

  /** Middleware has answered in the upstream's place, and was left. */
  answered({ status }: Reply): void {
    if (this.isOver) return;
    this.exchange.status = status;
    this.#noteOverhead();
    this.#settle('completed', undefined, performance.now());
    this.#finish(performance.now());
  }

  failed(error: SightlineError): void {
    if (error.outcome === 'failed')
      this.log.error({ exchange: this.exchange.id, ...describeError(error) }, error.message);
    tellError(this.#parts.services, this.exchange, error);
  }

  /** It ends by an error of ours that the client is told of. Who was entered is left already. */
  refusedHere(error: SightlineError): void {
    if (this.isOver) return;
    this.exchange.status ??= error.status;
    this.#noteOverhead();
    this.#settle(error.outcome, error, performance.now());
    this.#finish(performance.now());
  }

  /** It fails here, in the middle of what the upstream says. */
  cutOff(error: SightlineError, at: number): void {
    this.isCutOff = true;
    if (this.isOver) return;
    this.failed(error);
    this.exchange.status ??= error.status;
    this.#breakOff(error, at);
  }

  /** Its session has ended. */
  lost(error: SightlineError, at: number): void {
    if (this.isOver) return;
    if (error.code !== 'client_aborted') tellError(this.#parts.services, this.exchange, error);
    this.#breakOff(error, at);
  }

  /** Its session is failed as well, and ends it; but for one that only waits for middleware to be left. */
  fail(error: SightlineError): void {
    if (!this.isOver) return;
    this.#finish(performance.now());
    void this.passage?.abandon(error);
  }

  #noteOverhead(): void {
    const { exchange } = this;
    if (!exchange.attempt) exchange.overheadMs += performance.now() - exchange.clock.startedAt;
  }

  #replied(outcome: Outcome, status: number, at: number): void {
    const { passage } = this;
    if (!this.#settle(outcome, undefined, at)) return;
    if (!passage) {
      this.#finish(at);
      return;
    }
    const finish = () => this.#finish(performance.now());
    // Not before the client has the last message, which goes on when this call is over.
    Promise.resolve()
      .then(() => passage.afterResponse(new Reply({ status, headers: noHeaders, isSent: true })))
      .then(finish, finish);
  }

  #breakOff(error: SightlineError, at: number): void {
    this.#settle(error.outcome, error, at);
    this.#finish(at);
    void this.passage?.abandon(error);
  }

  /** The session's facts are told now: they must be whole when it ends, whoever is still to be left. */
  #settle(outcome: Outcome, error: SightlineError | undefined, at: number): boolean {
    if (this.#result) return false;
    this.#result = { outcome, error };
    const { exchange } = this;
    const { session, services } = this.#parts;
    endAttempt(services, exchange, outcome, error, this.#since(at));
    session.facts.noteTurn(outcome, exchange.attempt?.reply.usage);
    return true;
  }

  #finish(at: number): void {
    const { exchange } = this;
    const result = this.#result;
    if (!result || !exchange.end(result.outcome, result.error, this.#since(at))) return;
    const { services, watcher } = this.#parts;
    endExchange(services, exchange, this.#seat);
    watcher.turnEnded(this);
    releaseWhenLeft(services.lease, this.passage);
  }
}
