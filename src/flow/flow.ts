import type { Logger } from 'pino';
import { asSightlineError, describeError, SightlineError } from '../errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Outcome } from '../exchange/outcome.ts';
import { Query } from '../exchange/query.ts';
import type { Reply } from '../exchange/reply.ts';
import type { HookSystem } from '../hooks/hook-system.ts';
import type { Limits } from '../limits.ts';
import type { ProtocolExtension } from '../messages/protocol-extension.ts';
import type { Passage } from '../middleware/passage.ts';
import type { MiddlewareStack } from '../middleware/stack.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import { type AttemptOwner, AttemptRun } from './attempt-run.ts';
import type { InFlight, Running } from './in-flight.ts';
import { type Lease, releaseWhenLeft } from './lease.ts';
import { beginExchange, endAttempt, endExchange, tellError, tellQuery } from './moments.ts';
import { sendProblem, sendProblemEvent, sendReply } from './own-reply.ts';
import type { Recorder } from './recorder.ts';
import type { ReplySink, SinkWatcher } from './reply-sink.ts';

/** What every exchange's flow needs. */
export interface FlowServices {
  readonly hooks: HookSystem;
  /** The stack of now; an exchange keeps the one that it began with. */
  readonly stack: MiddlewareStack;
  /** The message types of now. A session asks at each message; a message keeps the ones that it began with. */
  readonly messages: ProtocolExtension;
  /** Keeps alive what `hooks` and `stack` were made of. */
  readonly lease?: Lease | undefined;
  readonly recorder: Recorder;
  readonly inFlight: InFlight;
  readonly limits: Limits;
  readonly log: Logger;
}

/**
 * One exchange from its beginning to its outcome: middleware in, attempt, reply, middleware out. It runs until it
 * fails, and tells the client so, or until its reply is on its way; and ends, exactly once, when the client has
 * that or has gone.
 */
export class Flow implements AttemptOwner, SinkWatcher, Running {
  readonly exchange: Exchange;
  readonly sink: ReplySink;
  readonly passage: Passage | undefined;
  readonly #services: FlowServices;
  readonly #seat: number;
  /** Until when our own share of the time is noted; 0: no query has arrived. */
  #notedUntil = 0;
  #attempt: AttemptRun | undefined;
  #hasFailed = false;
  /** How it ends, when the client has everything that was written. */
  #result: { readonly outcome: Outcome; readonly error: SightlineError | undefined } | undefined;
  /** The client has that. */
  #isSent = false;

  constructor(services: FlowServices, exchange: Exchange, sink: ReplySink) {
    this.#services = services;
    this.exchange = exchange;
    this.sink = sink;
    this.passage = services.stack.enter(exchange);
    services.lease?.acquire();
    sink.watcher = this;
    this.#seat = beginExchange(services, this);
  }

  /** What upstream and middleware do still counts. */
  get isRunning(): boolean {
    return !this.#hasFailed && !this.exchange.hasEnded;
  }

  /** The query has arrived: on its way to the upstream, or to the middleware that answers it. */
  run(query: Query, upstream: Upstream): void {
    // A body can come whole when it is no longer waited for.
    if (!this.isRunning) return;
    this.#notedUntil = performance.now();
    this.#noteQuery(query);
    if (this.passage) void this.#runThroughMiddleware(this.passage, query, upstream);
    else this.#ask(query, upstream);
  }

  async #runThroughMiddleware(passage: Passage, query: Query, upstream: Upstream): Promise<void> {
    try {
      const answer = await passage.beforeQuery(query);
      if (!this.isRunning) {
        await passage.abandon(this.exchange.error ?? new SightlineError('client_aborted'));
      } else if (answer instanceof Query) {
        if (answer !== query) this.#noteQuery(answer);
        this.#ask(answer, upstream);
      } else {
        await this.#answer(answer);
      }
    } catch (thrown) {
      this.fail(asSightlineError(thrown));
    }
  }

  #noteQuery(query: Query): void {
    const { dialect } = this.exchange.route;
    const payload = dialect && query.peek();
    if (payload) this.exchange.query = dialect.readQuery(payload);
  }

  #ask(query: Query, upstream: Upstream): void {
    tellQuery(this.#services, this.exchange, query);
    this.#noteOverhead();
    this.#attempt = new AttemptRun(this, this.#services, upstream);
    this.#attempt.send(query, upstream, this.#services);
  }

  /** Until an upstream is asked, all the time is ours. */
  #noteOverhead(): void {
    const { exchange } = this;
    if (exchange.attempt || this.#notedUntil === 0) return;
    const now = performance.now();
    exchange.overheadMs += now - this.#notedUntil;
    this.#notedUntil = now;
  }

  /** A reply of our own: a middleware's answer, or its repair of an error. */
  async #answer(reply: Reply, isRepair = false): Promise<void> {
    const last = this.passage ? await this.passage.afterResponse(reply) : reply;
    if (this.exchange.hasEnded || this.sink.hasBegun || (this.#hasFailed && !isRepair)) return;
    this.#noteOverhead();
    sendReply(this.exchange, this.sink, last);
    this.settle('completed', undefined);
  }

  /** The exchange cannot go on. The first failure is the one that tells. */
  fail(error: SightlineError): void {
    if (this.isRunning) {
      this.#hasFailed = true;
      void this.#fail(error);
    } else if (error.code === 'stopping' && this.exchange.attempt?.hasSaidAll) {
      this.#finishSaid(performance.now(), error);
    }
  }

  async #fail(error: SightlineError): Promise<void> {
    const { exchange } = this;
    this.#attempt?.abort();
    this.#noteOverhead();
    if (error.outcome === 'failed') this.#log(error);
    tellError(this.#services, exchange, error);
    if (this.sink.hasBegun) {
      this.#breakOff(error);
      return;
    }
    try {
      // Nobody is waited for any more when the service stops.
      const repair = error.code === 'stopping' ? undefined : await this.passage?.onError(error);
      if (exchange.hasEnded) return;
      if (repair) {
        endAttempt(this.#services, exchange, error.outcome, error);
        await this.#answer(repair, true);
        return;
      }
      sendProblem(exchange, this.sink, error);
      this.settle(error.outcome, error);
      void this.passage?.abandon(error);
    } catch (thrown) {
      this.#failAgain(asSightlineError(thrown));
    }
  }

  /** The repair of a failure has failed, or it could not be told to the client. Nothing may come after this. */
  #failAgain(second: SightlineError): void {
    this.#log(second);
    if (this.sink.hasBegun) {
      this.#breakOff(second);
      return;
    }
    try {
      sendProblem(this.exchange, this.sink, second);
      this.settle(second.outcome, second);
    } catch {
      this.sink.break(second, false);
      this.#finish(second.outcome, second);
    }
    void this.passage?.abandon(second);
  }

  #log(error: SightlineError): void {
    this.#services.log.error({ exchange: this.exchange.id, ...describeError(error) }, error.message);
  }

  /** The client has a part of the reply already: it must not take it for the whole. */
  #breakOff(error: SightlineError): void {
    const { attempt } = this.exchange;
    const isComplete = attempt?.hasSaidAll === true;
    if (this.#attempt?.takesEvents && !isComplete) sendProblemEvent(this.exchange, this.sink, error);
    this.sink.break(error, isComplete);
    if (isComplete) {
      this.#finishSaid(performance.now(), error.code === 'stopping' ? error : undefined);
      return;
    }
    // Where it has the whole, only middleware was waited for.
    if (this.#isSent && attempt?.outcome) this.#finish(attempt.outcome, attempt.error);
    else this.#finish(error.outcome, error);
    void this.passage?.abandon(error);
  }

  /** The stream had said all when it was cut off: to everybody here it is a reply that was sent. */
  #finishSaid(at: number, stopping?: SightlineError): void {
    const { passage } = this;
    const sent = passage && this.#attempt?.sent;
    const finish = () => this.#finish('completed', undefined, at);
    // Nobody is waited for any more when the service stops.
    if (!sent || stopping) {
      finish();
      if (stopping) void passage?.abandon(stopping);
      return;
    }
    // They may be left already, one after the other, or by another of the ways that lead here.
    passage
      .left()
      .then(() => passage.afterResponse(sent))
      .then(() => passage.left())
      .then(finish, finish);
  }

  /** Nothing more will come: the exchange ends as soon as the client has it all. */
  settle(outcome: Outcome, error: SightlineError | undefined): void {
    if (!this.#result) {
      this.#result = { outcome, error };
      this.sink.settle?.(outcome, error);
    }
    if (this.#isSent) this.#finish(this.#result.outcome, this.#result.error);
  }

  onDrain(): void {
    this.#attempt?.drained();
  }

  onStall(): void {
    const error = new SightlineError('client_stalled');
    // Not even what it is told of a failure is taken: its connection is closed, and that ends it.
    if (this.#hasFailed) this.sink.break(error, false);
    else this.fail(error);
  }

  onClose(isSent: boolean): void {
    if (this.exchange.hasEnded) return;
    if (isSent) {
      this.#isSent = true;
      if (this.#result) this.#finish(this.#result.outcome, this.#result.error);
      return;
    }
    const closedAt = performance.now();
    this.#attempt?.abort();
    const lost = () => this.#finishLost(closedAt);
    if (this.#attempt) this.#attempt.cut('client', lost);
    else lost();
  }

  /** The client went before it had everything. */
  #finishLost(at: number): void {
    if (this.exchange.attempt?.hasSaidAll) {
      this.#finishSaid(at);
      return;
    }
    const error = new SightlineError('client_aborted');
    if (this.#result && this.#result.outcome !== 'completed')
      this.#finish(this.#result.outcome, this.#result.error, at);
    else this.#finish(error.outcome, error, at);
    void this.passage?.abandon(error);
  }

  #finish(outcome: Outcome, error: SightlineError | undefined, at = performance.now()): void {
    const { exchange } = this;
    if (exchange.hasEnded) return;
    endAttempt(this.#services, exchange, outcome, error, at);
    exchange.end(outcome, error, at);
    endExchange(this.#services, exchange, this.#seat);
    releaseWhenLeft(this.#services.lease, this.passage);
    this.sink.ended?.();
  }
}
