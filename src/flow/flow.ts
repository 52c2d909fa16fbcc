import type { Logger } from 'pino';
import { AttemptContent } from '../dialects/content/attempt-content.ts';
import { asSightlineError, describeError, SightlineError } from '../errors.ts';
import type { Attempt, ConnectTry } from '../exchange/attempt.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Outcome } from '../exchange/outcome.ts';
import { Query } from '../exchange/query.ts';
import { Reply } from '../exchange/reply.ts';
import type { HookSystem } from '../hooks/hook-system.ts';
import type { AttemptView } from '../hooks/points.ts';
import type { Limits } from '../limits.ts';
import type { ProtocolExtension } from '../messages/protocol-extension.ts';
import type { Passage } from '../middleware/passage.ts';
import type { MiddlewareStack } from '../middleware/stack.ts';
import type { FlowControl, ReplyReceiver } from '../transports/transport.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import { headerValue, type RawHeaders } from '../wire/headers.ts';
import { chooseMode } from './choose-mode.ts';
import type { InFlight, Running } from './in-flight.ts';
import type { Lease } from './lease.ts';
import { sendProblem, sendProblemEvent, sendReply } from './own-reply.ts';
import type { Recorder } from './recorder.ts';
import type { ReplyHead, ReplyMode, ReplyScene } from './reply-mode.ts';
import { replyOutcome } from './reply-outcome.ts';
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
 * One exchange from its beginning to its outcome: middleware in, attempt, reply, middleware out. Whatever
 * happens on the way, it ends exactly once, in `#finish`.
 */
export class Flow implements ReplyReceiver, SinkWatcher, Running {
  readonly exchange: Exchange;
  readonly #services: FlowServices;
  readonly #sink: ReplySink;
  readonly #passage: Passage | undefined;
  readonly #seat: number;
  #control: FlowControl | undefined;
  #head: ReplyHead | undefined;
  #mode: ReplyMode | undefined;
  #queryReceivedAt = 0;
  // What the end waits for. It runs until one of two: it fails, and tells the client so (`#hasFailed`), or
  // its reply is on its way (`#result`). It ends, once, when the client has that or has gone.
  #result: { readonly outcome: Outcome; readonly error: SightlineError | undefined } | undefined;
  #hasFailed = false;
  /** The client has everything that was written. */
  #isSent = false;

  constructor(services: FlowServices, exchange: Exchange, sink: ReplySink) {
    this.#services = services;
    this.exchange = exchange;
    this.#sink = sink;
    this.#passage = services.stack.enter(exchange);
    services.recorder.begin(exchange);
    this.#seat = services.inFlight.add(this);
    services.lease?.acquire();
    sink.watcher = this;
    if (services.hooks.has('exchange.started'))
      services.hooks.notify('exchange.started', { exchange: exchange.view });
  }

  /** The query has arrived: on its way to the upstream, or to the middleware that answers it. */
  run(query: Query, upstream: Upstream): void {
    this.#queryReceivedAt = performance.now();
    this.#noteQuery(query);
    if (this.#passage) void this.#runThroughMiddleware(this.#passage, query, upstream);
    else this.#attempt(query, upstream);
  }

  async #runThroughMiddleware(passage: Passage, query: Query, upstream: Upstream): Promise<void> {
    try {
      const answer = await passage.beforeQuery(query);
      if (this.#hasFailed || this.exchange.hasEnded) {
        await passage.abandon(this.exchange.error ?? new SightlineError('client_aborted'));
      } else if (answer instanceof Query) {
        if (answer !== query) this.#noteQuery(answer);
        this.#attempt(answer, upstream);
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

  #attempt(query: Query, upstream: Upstream): void {
    const { exchange } = this;
    const { hooks, recorder } = this.#services;
    if (hooks.has('query.ready')) {
      Object.freeze(query.headers);
      hooks.notify('query.ready', { exchange: exchange.view, query });
    }
    const attempt = exchange.beginAttempt(upstream.identity(exchange.route.dialect));
    const request = upstream.request(query, recorder.beginAttempt(exchange, attempt));
    exchange.overheadMs += attempt.startedAt - this.#queryReceivedAt;
    if (hooks.has('attempt.started'))
      hooks.notify('attempt.started', { exchange: exchange.view, attempt: viewOf(attempt) });
    this.#control = upstream.transport.send(request, this);
    this.#noteContent(query, attempt);
  }

  /** As it went to the upstream, which is after every middleware; and only after it has gone there. */
  #noteContent(query: Query, attempt: Attempt): void {
    const content = this.exchange.route.dialect?.content;
    const limits = content && this.#services.recorder.contentLimits?.(this.exchange);
    if (limits) attempt.content = new AttemptContent(content, limits, query.peek());
  }

  onHead(status: number, statusMessage: string, headers: RawHeaders): void {
    const { exchange } = this;
    const { attempt } = exchange;
    if (!attempt || !this.#control || exchange.hasEnded) return;
    attempt.headAt = performance.now();
    attempt.status = status;
    attempt.upstreamRequestId = headerValue(headers, 'x-request-id') ?? headerValue(headers, 'request-id');
    const { hooks } = this.#services;
    if (hooks.has('reply.head')) {
      Object.freeze(headers);
      hooks.notify('reply.head', { exchange: exchange.view, status, headers });
    }
    const scene: ReplyScene = {
      ...this.#services,
      exchange,
      attempt,
      sink: this.#sink,
      control: this.#control,
      passage: this.#passage,
      hasFailed: () => this.#hasFailed,
      fail: (thrown) => this.fail(asSightlineError(thrown)),
    };
    const head = { status, statusMessage, headers };
    this.#head = head;
    this.#guard(() => {
      this.#mode = chooseMode(scene, head);
    });
  }

  onData(chunk: Buffer): void {
    const { attempt } = this.exchange;
    if (!attempt || this.exchange.hasEnded) return;
    attempt.bytes += chunk.length;
    this.#guard(() => this.#mode?.data(chunk, performance.now()));
  }

  onEnd(trailers: RawHeaders): void {
    if (this.exchange.hasEnded) return;
    const endedAt = performance.now();
    this.#guard(() => {
      const ending = this.#mode?.end(trailers, () => this.#replyRead(endedAt));
      return ending ? ending.then(() => this.#replyDone()) : this.#replyDone();
    });
  }

  onConnectTry(connectTry: ConnectTry): void {
    this.exchange.attempt?.connectTries.push(connectTry);
  }

  /** The upstream, or the way there, has failed. */
  onError(error: SightlineError): void {
    if (!this.#mode) {
      this.#endAttempt(error.outcome, error);
      this.fail(error);
      return;
    }
    const endedAt = performance.now();
    this.#guard(() =>
      this.#mode?.cut(() => {
        // After the terminal event everything has been said: that its connection died changes nothing.
        if (this.exchange.attempt?.hasSaidAll) this.#endAttempt('completed', undefined, endedAt);
        else this.#endAttempt(error.outcome, error, endedAt);
        this.fail(error);
      }),
    );
  }

  /** Everything of the reply has come and was understood: what becomes of it here is not the upstream's doing. */
  #replyRead(endedAt: number): void {
    const { attempt } = this.exchange;
    if (!attempt || this.#hasFailed) return;
    const outcome = replyOutcome(attempt);
    const error = outcome === 'upstream_truncated' ? new SightlineError('upstream_truncated') : undefined;
    this.#endAttempt(outcome, error, endedAt);
    this.#sink.settle?.(outcome, error);
  }

  /** The reply is on its way to the client, and whoever was entered is left. */
  #replyDone(): void {
    const { attempt, hasEnded } = this.exchange;
    if (attempt?.outcome === undefined || this.#hasFailed || hasEnded) return;
    this.#settle(attempt.outcome, attempt.error);
  }

  /** Runs a step of a reply mode; what it throws, now or later, fails the exchange. */
  #guard(step: () => void | Promise<void>): void {
    try {
      step()?.catch((thrown: unknown) => this.fail(asSightlineError(thrown)));
    } catch (thrown) {
      this.fail(asSightlineError(thrown));
    }
  }

  /** A reply of our own: a middleware's answer, or its repair of an error. */
  async #answer(reply: Reply, isRepair = false): Promise<void> {
    const last = this.#passage ? await this.#passage.afterResponse(reply) : reply;
    if (this.exchange.hasEnded || this.#sink.hasBegun || (this.#hasFailed && !isRepair)) return;
    if (!this.exchange.attempt) this.exchange.overheadMs += performance.now() - this.#queryReceivedAt;
    sendReply(this.exchange, this.#sink, last);
    this.#settle('completed', undefined);
  }

  /** The exchange cannot go on. The first failure is the one that tells. */
  fail(error: SightlineError): void {
    if (this.#hasFailed || this.exchange.hasEnded) return;
    this.#hasFailed = true;
    void this.#fail(error);
  }

  async #fail(error: SightlineError): Promise<void> {
    const { exchange } = this;
    const { hooks, log } = this.#services;
    this.#control?.abort();
    if (!exchange.attempt && this.#queryReceivedAt > 0) {
      exchange.overheadMs += performance.now() - this.#queryReceivedAt;
    }
    if (error.outcome === 'failed')
      log.error({ exchange: exchange.id, ...describeError(error) }, error.message);
    if (hooks.has('exchange.error')) hooks.notify('exchange.error', { exchange: exchange.view, error });
    if (this.#sink.hasBegun) {
      this.#breakOff(error);
      return;
    }
    try {
      // Nobody is waited for any more when the service stops.
      const repair = error.code === 'stopping' ? undefined : await this.#passage?.onError(error);
      if (exchange.hasEnded) return;
      if (repair) {
        this.#endAttempt(error.outcome, error);
        await this.#answer(repair, true);
        return;
      }
      sendProblem(exchange, this.#sink, error);
      this.#settle(error.outcome, error);
      this.#abandon(error);
    } catch (thrown) {
      this.#failAgain(asSightlineError(thrown));
    }
  }

  /** The repair of a failure has failed, or it could not be told to the client. Nothing may come after this. */
  #failAgain(second: SightlineError): void {
    this.#services.log.error({ exchange: this.exchange.id, ...describeError(second) }, second.message);
    if (this.#sink.hasBegun) {
      this.#breakOff(second);
      return;
    }
    try {
      sendProblem(this.exchange, this.#sink, second);
      this.#settle(second.outcome, second);
    } catch {
      this.#sink.break(second, false);
      this.#finish(second.outcome, second);
    }
    this.#abandon(second);
  }

  /** The client has a part of the reply already: it must not take it for the whole. */
  #breakOff(error: SightlineError): void {
    const { attempt } = this.exchange;
    const isComplete = attempt?.hasSaidAll === true;
    if (this.#mode?.writesEvents && !isComplete) sendProblemEvent(this.exchange, this.#sink, error);
    this.#sink.break(error, isComplete);
    if (isComplete) {
      this.#finishSaid();
    } else {
      this.#finish(error.outcome, error);
      this.#abandon(error);
    }
  }

  /** The stream had said all when it was cut off: to everybody here it is a reply that was sent. */
  #finishSaid(at = performance.now()): void {
    const finish = () => this.#finish('completed', undefined, at);
    if (!this.#passage || !this.#head) finish();
    else this.#passage.afterResponse(new Reply({ ...this.#head, isSent: true })).then(finish, finish);
  }

  /** Nothing more will come: the exchange ends as soon as the client has it all. */
  #settle(outcome: Outcome, error: SightlineError | undefined): void {
    if (!this.#result) {
      this.#result = { outcome, error };
      this.#sink.settle?.(outcome, error);
    }
    if (this.#isSent) this.#finish(this.#result.outcome, this.#result.error);
  }

  onDrain(): void {
    if (this.#mode?.drained) this.#mode.drained();
    else this.#control?.resume();
  }

  onStall(): void {
    this.fail(new SightlineError('client_stalled'));
  }

  onClose(isSent: boolean): void {
    if (this.exchange.hasEnded) return;
    if (isSent) {
      this.#isSent = true;
      if (this.#result) this.#finish(this.#result.outcome, this.#result.error);
      return;
    }
    const closedAt = performance.now();
    this.#control?.abort();
    const error = new SightlineError('client_aborted');
    const finish = () => {
      const { attempt } = this.exchange;
      if (attempt?.hasSaidAll) {
        this.#finishSaid(closedAt);
        return;
      }
      if (this.#result && this.#result.outcome !== 'completed')
        this.#finish(this.#result.outcome, this.#result.error, closedAt);
      else this.#finish('client_aborted', error, closedAt);
      this.#abandon(error);
    };
    if (this.#mode) this.#guard(() => this.#mode?.cut(finish));
    else finish();
  }

  /** Whoever was entered is left, also where no reply can go to the client. */
  #abandon(error: SightlineError): void {
    void this.#passage
      ?.abandon(error)
      .catch((thrown: unknown) =>
        this.#services.log.error(describeError(thrown), 'leaving middleware failed'),
      );
  }

  #endAttempt(outcome: Outcome, error: SightlineError | undefined, at = performance.now()): void {
    const { attempt } = this.exchange;
    if (!attempt || attempt.outcome !== undefined) return;
    attempt.end(outcome, error, at);
    const { hooks } = this.#services;
    if (hooks.has('attempt.ended'))
      hooks.notify('attempt.ended', { exchange: this.exchange.view, attempt: viewOf(attempt) });
  }

  #finish(outcome: Outcome, error: SightlineError | undefined, at = performance.now()): void {
    if (this.exchange.hasEnded) return;
    this.#endAttempt(outcome, error, at);
    if (!this.exchange.end(outcome, error, at)) return;
    const { hooks, recorder, inFlight, log } = this.#services;
    try {
      recorder.end(this.exchange);
      if (hooks.has('exchange.ended')) hooks.notify('exchange.ended', { exchange: this.exchange.view });
    } catch (thrown) {
      // Telemetry never harms traffic, not even by a fault of its own.
      log.error({ exchange: this.exchange.id, ...describeError(thrown) }, 'telemetry failed');
    } finally {
      inFlight.delete(this.#seat);
      this.#release();
      this.#sink.ended?.();
    }
  }

  /** Middleware can be at work longer than its exchange: the client has what it gets, or has gone. */
  #release(): void {
    const { lease } = this.#services;
    if (!lease) return;
    if (this.#passage) void this.#passage.left().then(() => lease.release());
    else lease.release();
  }
}

/** As it is now: hooks alter nothing, whatever they do to what they get. */
export function viewOf({ number, upstream, status, outcome, outputChunks, bytes }: Attempt): AttemptView {
  return Object.freeze({ number, upstream, status, outcome, outputChunks, bytes });
}
