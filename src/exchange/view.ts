import { type Context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import type { Dialect } from '../dialects/dialect.ts';
import type { Clock } from './clock.ts';
import type { Exchange, ExchangePlace, RequestHead } from './exchange.ts';
import type { QueryFacts, ReplyFacts, Usage } from './facts.ts';
import type { Key } from './keys.ts';
import type { Outcome } from './outcome.ts';

/**
 * An exchange as hooks and middleware see it. They read what happened, keep state of their own under typed
 * keys, and add attributes and labels to its telemetry; they cannot alter the exchange.
 */
export class ExchangeView {
  readonly #exchange: Exchange;
  readonly #state = new Map<Key<unknown>, unknown>();

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    Object.freeze(Object.freeze(exchange.request).headers);
  }

  get id(): string {
    return this.#exchange.id;
  }

  get traceId(): string | undefined {
    return this.#exchange.trace?.traceId;
  }

  /**
   * The place of the exchange in its trace, for spans of one's own: give it as the parent's context,
   * `tracer.startSpan('look up tenant', {}, exchange.context)`. Such a span may also end after the exchange.
   * It is the root context where tracing is off.
   */
  get context(): Context {
    const ids = this.#exchange.trace;
    if (!ids) return ROOT_CONTEXT;
    const { traceId, spanId, flags } = ids;
    return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags });
  }

  /** Its beginning on both clocks: so a moment of `performance.now()` is told as the time of day. */
  get clock(): Clock {
    return this.#exchange.clock;
  }

  /** A request with its reply, a WebSocket session, or one turn of a session. */
  get kind(): ExchangePlace['kind'] {
    return this.#exchange.place.kind;
  }

  /** The id of the WebSocket session that it belongs to, or that it is. */
  get sessionId(): string | undefined {
    return this.#exchange.session?.id;
  }

  get request(): Readonly<RequestHead> {
    return this.#exchange.request;
  }

  /** The first value of a request header; `name` in lower case. */
  header(name: string): string | undefined {
    return this.#exchange.header(name);
  }

  get upstream(): string | undefined {
    return this.#exchange.route.upstream;
  }

  /** What the payload means; undefined where no dialect understands it. */
  get dialect(): Dialect | undefined {
    return this.#exchange.route.dialect;
  }

  get query(): Readonly<QueryFacts> | undefined {
    return this.#exchange.query && { ...this.#exchange.query };
  }

  /** What is known of the reply by now, of the newest attempt. */
  get reply(): Readonly<ReplyFacts> | undefined {
    const facts = this.#exchange.attempt?.reply;
    return facts && { ...facts, usage: { ...facts.usage }, finishReasons: [...facts.finishReasons] };
  }

  get usage(): Readonly<Usage> {
    return { ...this.#exchange.attempt?.reply.usage };
  }

  get attempts(): number {
    return this.#exchange.attempts.length;
  }

  /** What the client was told; undefined before the reply's head. */
  get status(): number | undefined {
    return this.#exchange.status;
  }

  /** Undefined while it runs. */
  get outcome(): Outcome | undefined {
    return this.#exchange.outcome;
  }

  /** Since the request's head, ms; the whole duration once it has ended. */
  get elapsedMs(): number {
    return (this.#exchange.endedAt ?? performance.now()) - this.#exchange.clock.startedAt;
  }

  /** An attribute of the exchange's span, under `sightline.tag.<name>`. */
  setAttribute(name: string, value: string | number | boolean): void {
    this.#exchange.attributes.set(name, value);
  }

  /**
   * A label of the duration and token metrics, under `sightline.tag.<name>`. Values beyond
   * `labelValuesMax` of one name become `other`.
   */
  setLabel(name: string, value: string): void {
    this.#exchange.labels.set(name, value);
  }

  set<T>(key: Key<T>, value: T): void {
    this.#state.set(key, value);
  }

  has(key: Key<unknown>): boolean {
    return this.#state.has(key);
  }

  /** Throws where the key was never set on this exchange. */
  get<T>(key: Key<T>): T {
    if (!this.#state.has(key)) throw new Error(`The key '${key.name}' was never set on this exchange.`);
    return this.#state.get(key) as T;
  }
}
