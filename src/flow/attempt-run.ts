import { AttemptContent } from '../dialects/content/attempt-content.ts';
import { asSightlineError, SightlineError } from '../errors.ts';
import type { Attempt, ConnectTry } from '../exchange/attempt.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Outcome } from '../exchange/outcome.ts';
import type { Query } from '../exchange/query.ts';
import { Reply } from '../exchange/reply.ts';
import type { Peer } from '../exchange/session-facts.ts';
import type { HookSystem } from '../hooks/hook-system.ts';
import type { Limits } from '../limits.ts';
import type { Passage } from '../middleware/passage.ts';
import type { FlowControl, ReplyReceiver } from '../transports/transport.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import { headerValue, type RawHeaders } from '../wire/headers.ts';
import { chooseMode } from './choose-mode.ts';
import { beginAttempt, endAttempt, tellHead } from './moments.ts';
import type { Recorder } from './recorder.ts';
import type { ReplyHead, ReplyMode, ReplyScene } from './reply-mode.ts';
import { replyOutcome } from './reply-outcome.ts';
import type { ReplySink } from './reply-sink.ts';

/** Whose attempt it is: an exchange on its way to its outcome. */
export interface AttemptOwner {
  readonly exchange: Exchange;
  readonly sink: ReplySink;
  readonly passage: Passage | undefined;
  readonly isRunning: boolean;
  fail(error: SightlineError): void;
  /** The reply is on its way to the client, and whoever was entered is left. */
  settle(outcome: Outcome, error: SightlineError | undefined): void;
}

interface AttemptServices {
  readonly hooks: HookSystem;
  readonly limits: Limits;
  readonly recorder: Recorder;
}

/** One attempt: the query to an upstream, and its reply to the client, in the mode that fits. */
export class AttemptRun implements ReplyReceiver, ReplyScene {
  readonly exchange: Exchange;
  readonly attempt: Attempt;
  readonly sink: ReplySink;
  readonly passage: Passage | undefined;
  readonly hooks: HookSystem;
  readonly limits: Limits;
  readonly #owner: AttemptOwner;
  #control: FlowControl | undefined;
  #head: ReplyHead | undefined;
  #mode: ReplyMode | undefined;

  constructor(owner: AttemptOwner, { hooks, limits }: AttemptServices, upstream: Upstream) {
    const { exchange, sink, passage } = owner;
    this.exchange = exchange;
    this.attempt = exchange.beginAttempt(upstream.identity(exchange.route.dialect));
    this.sink = sink;
    this.passage = passage;
    this.hooks = hooks;
    this.limits = limits;
    this.#owner = owner;
  }

  get isRunning(): boolean {
    return this.#owner.isRunning;
  }

  /** Own events may be written into the reply. */
  get takesEvents(): boolean {
    return this.#mode?.writesEvents === true;
  }

  /** The reply, as one that the client has already; undefined where none came. */
  get sent(): Reply | undefined {
    return this.#head && new Reply({ ...this.#head, isSent: true });
  }

  send(query: Query, upstream: Upstream, services: AttemptServices): void {
    const { exchange, attempt } = this;
    const request = upstream.request(query, beginAttempt(services, exchange, attempt));
    this.#control = upstream.transport.send(request, this);
    // As it went there, which is after every middleware; and only after it has gone.
    const content = exchange.route.dialect?.content;
    const limits = content && services.recorder.contentLimits?.(exchange);
    if (limits) attempt.content = new AttemptContent(content, limits, query.peek());
  }

  onConnectTry(connectTry: ConnectTry): void {
    this.attempt.connectTries.push(connectTry);
  }

  onHead(status: number, statusMessage: string, headers: RawHeaders): void {
    const { exchange, attempt } = this;
    if (exchange.hasEnded) return;
    attempt.headAt = performance.now();
    attempt.status = status;
    attempt.upstreamRequestId = headerValue(headers, 'x-request-id') ?? headerValue(headers, 'request-id');
    tellHead(this, exchange, status, headers);
    const head = { status, statusMessage, headers };
    this.#head = head;
    try {
      this.#mode = chooseMode(this, head);
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  onData(chunk: Buffer): void {
    if (this.exchange.hasEnded) return;
    this.attempt.bytes += chunk.length;
    try {
      this.#mode?.data(chunk, performance.now());
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  onEnd(trailers: RawHeaders): void {
    if (this.exchange.hasEnded) return;
    const endedAt = performance.now();
    this.#guard(() => {
      const ending = this.#mode?.end(trailers, () => this.#understood(endedAt));
      return ending ? ending.then(() => this.#left()) : this.#left();
    });
  }

  /** The upstream, or the way there, has failed. */
  onError(error: SightlineError): void {
    const endedAt = performance.now();
    this.cut('upstream', () => {
      // After the terminal event everything has been said: that its connection died changes nothing.
      if (this.attempt.hasSaidAll) endAttempt(this, this.exchange, 'completed', undefined, endedAt);
      else endAttempt(this, this.exchange, error.outcome, error, endedAt);
      this.fail(error);
    });
  }

  /** Nothing more of the reply is wanted, or will come. Calls back when what there was of it is understood. */
  cut(by: Peer, onUnderstood: () => void): void {
    if (this.#mode) this.#guard(() => this.#mode?.cut(by, onUnderstood));
    else onUnderstood();
  }

  abort(): void {
    this.#control?.abort();
  }

  pause(): void {
    this.#control?.pause();
  }

  resume(): void {
    this.#control?.resume();
  }

  /** The client takes more again. */
  drained(): void {
    if (this.#mode?.drained) this.#mode.drained();
    else this.resume();
  }

  fail(thrown: unknown): void {
    this.#owner.fail(asSightlineError(thrown));
  }

  /** Everything of the reply has come: what becomes of it here is not the upstream's doing. */
  #understood(endedAt: number): void {
    if (!this.isRunning) return;
    const outcome = replyOutcome(this.attempt);
    const error = outcome === 'upstream_truncated' ? new SightlineError('upstream_truncated') : undefined;
    endAttempt(this, this.exchange, outcome, error, endedAt);
    this.sink.settle?.(outcome, error);
  }

  /** The reply is on its way to the client, and whoever was entered is left. */
  #left(): void {
    const { outcome, error } = this.attempt;
    if (outcome !== undefined && this.isRunning) this.#owner.settle(outcome, error);
  }

  /** Runs a step of the mode; what it throws, now or later, fails the exchange. */
  #guard(step: () => void | Promise<void>): void {
    try {
      step()?.catch((thrown: unknown) => this.fail(thrown));
    } catch (thrown) {
      this.fail(thrown);
    }
  }
}
