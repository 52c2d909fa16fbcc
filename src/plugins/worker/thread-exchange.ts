import { type Context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import type { Dialect } from '../../dialects/dialect.ts';
import { dialectNamed } from '../../dialects/index.ts';
import type { Clock } from '../../exchange/clock.ts';
import type { ExchangePlace, RequestHead } from '../../exchange/exchange.ts';
import type { QueryFacts, ReplyFacts, Usage } from '../../exchange/facts.ts';
import type { Key } from '../../exchange/keys.ts';
import type { Outcome } from '../../exchange/outcome.ts';
import type { ExchangeView } from '../../exchange/view.ts';
import { headerValue } from '../../wire/headers.ts';
import { isAttributeValue } from './attribute-value.ts';
import type { PlainExchange, PlainExchangeHead, PlainExchangeState, PlainTags } from './plain-exchange.ts';

/** All of it that is there for others. */
type View = { [K in keyof ExchangeView]: ExchangeView[K] };

/**
 * An exchange as a plugin in a worker sees it: what was known when its newest callback was called. The same
 * object for all callbacks of one exchange.
 */
export class ThreadExchange implements View {
  readonly #head: PlainExchangeHead;
  readonly #onTags: () => void;
  readonly #values = new Map<Key<unknown>, unknown>();
  #attributes = new Map<string, string | number | boolean>();
  #labels = new Map<string, string>();
  #state: PlainExchangeState;
  #stateAt = performance.now();

  constructor(head: PlainExchangeHead, state: PlainExchangeState, onTags: () => void) {
    this.#head = head;
    this.#state = state;
    this.#onTags = onTags;
  }

  get id(): string {
    return this.#head.id;
  }

  get kind(): ExchangePlace['kind'] {
    return this.#head.kind;
  }

  get sessionId(): string | undefined {
    return this.#head.sessionId;
  }

  get traceId(): string | undefined {
    return this.#head.traceId;
  }

  get context(): Context {
    const { span } = this.#head;
    return span ? trace.setSpanContext(ROOT_CONTEXT, span) : ROOT_CONTEXT;
  }

  get clock(): Clock {
    return this.#head.clock;
  }

  get request(): Readonly<RequestHead> {
    return this.#head.request;
  }

  header(name: string): string | undefined {
    return headerValue(this.#head.request.headers, name);
  }

  get upstream(): string | undefined {
    return this.#head.upstream;
  }

  get dialect(): Dialect | undefined {
    return dialectNamed(this.#head.dialect);
  }

  get query(): Readonly<QueryFacts> | undefined {
    return this.#state.query;
  }

  get reply(): Readonly<ReplyFacts> | undefined {
    return this.#state.reply;
  }

  get usage(): Readonly<Usage> {
    return this.#state.usage;
  }

  get attempts(): number {
    return this.#state.attempts;
  }

  get status(): number | undefined {
    return this.#state.status;
  }

  get outcome(): Outcome | undefined {
    return this.#state.outcome;
  }

  get elapsedMs(): number {
    const { elapsedMs, outcome } = this.#state;
    return outcome === undefined ? elapsedMs + performance.now() - this.#stateAt : elapsedMs;
  }

  setAttribute(name: string, value: string | number | boolean): void {
    if (!isAttributeValue(value)) return;
    this.#attributes.set(String(name), value);
    this.#onTags();
  }

  setLabel(name: string, value: string): void {
    if (!isAttributeValue(value)) return;
    this.#labels.set(String(name), value);
    this.#onTags();
  }

  set<T>(key: Key<T>, value: T): void {
    this.#values.set(key, value);
  }

  has(key: Key<unknown>): boolean {
    return this.#values.has(key);
  }

  get<T>(key: Key<T>): T {
    if (!this.#values.has(key)) throw new Error(`The key '${key.name}' was never set on this exchange.`);
    return this.#values.get(key) as T;
  }

  /** For the thread alone: what is known by now. */
  static refresh(exchange: ThreadExchange, state: PlainExchangeState): void {
    exchange.#state = state;
    exchange.#stateAt = performance.now();
  }

  /** For the thread alone: the tags that have not been sent, once. */
  static takeTags(exchange: ThreadExchange): PlainTags | undefined {
    if (exchange.#attributes.size + exchange.#labels.size === 0) return undefined;
    const tags = { attributes: [...exchange.#attributes], labels: [...exchange.#labels] };
    exchange.#attributes = new Map();
    exchange.#labels = new Map();
    return tags;
  }
}

interface Place {
  readonly exchange: ThreadExchange;
  /** Calls under way: their answers take the tags along. */
  calls: number;
}

/** The exchanges that the thread knows of, until the service says that they are over. */
export class ThreadExchanges {
  readonly #places = new Map<number, Place>();
  readonly #lateSeats = new Set<number>();
  #late: NodeJS.Immediate | undefined;
  readonly #sendTags: (seat: number, tags: PlainTags) => void;

  constructor(sendTags: (seat: number, tags: PlainTags) => void) {
    this.#sendTags = sendTags;
  }

  /** A call begins. */
  enter({ seat, head, state }: PlainExchange): ThreadExchange {
    const known = this.#places.get(seat);
    if (known) {
      known.calls += 1;
      ThreadExchange.refresh(known.exchange, state);
      return known.exchange;
    }
    if (!head) throw new Error('An exchange came without its head.');
    const exchange = new ThreadExchange(head, state, () => this.#tagged(seat));
    this.#places.set(seat, { exchange, calls: 1 });
    return exchange;
  }

  /** A call is answered; what was added to the exchange's telemetry meanwhile. */
  leave(seat: number): PlainTags | undefined {
    const place = this.#places.get(seat);
    if (!place) return undefined;
    place.calls -= 1;
    return ThreadExchange.takeTags(place.exchange);
  }

  forget(seats: readonly number[]): void {
    for (const seat of seats) this.#places.delete(seat);
  }

  /** Outside of any call: sent at the end of the turn, all that was added in it at once. */
  #tagged(seat: number): void {
    const place = this.#places.get(seat);
    if (!place || place.calls > 0) return;
    this.#late ??= setImmediate(() => this.#sendLate());
    this.#lateSeats.add(seat);
  }

  #sendLate(): void {
    this.#late = undefined;
    for (const seat of this.#lateSeats) {
      const place = this.#places.get(seat);
      const tags = place && ThreadExchange.takeTags(place.exchange);
      if (tags) this.#sendTags(seat, tags);
    }
    this.#lateSeats.clear();
  }
}
