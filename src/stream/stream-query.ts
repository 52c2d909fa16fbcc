import type { SightlineError } from '../errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { Flow, type FlowServices } from '../flow/flow.ts';
import { exchangeOf, type QueryScene, runQuery } from './begin-query.ts';
import type { MessageId, QueryMessage } from './protocol.ts';
import { type Outlet, type SinkOwner, StreamSink } from './stream-sink.ts';

/** Told of what becomes of a query. */
export interface QueryWatcher {
  /** Its last message has been sent: the client may use the id again. */
  onAnswered(id: MessageId): void;
  /** Its exchange has ended, too. */
  onOver(query: StreamQuery): void;
}

/** One query of a connection: an exchange with a flow like any other, whose reply goes out as messages. */
export class StreamQuery implements SinkOwner {
  readonly exchange: Exchange;
  /** Its place among those of its connection. */
  seat = 0;
  readonly #id: MessageId;
  readonly #sink: StreamSink;
  readonly #watcher: QueryWatcher;
  #flow: Flow | undefined;
  #isAnswered = false;
  #hasEnded = false;

  constructor(message: QueryMessage, scene: QueryScene, outlet: Outlet, watcher: QueryWatcher) {
    const { id, reply, window = Number.POSITIVE_INFINITY } = message;
    this.#id = id;
    this.#watcher = watcher;
    this.exchange = exchangeOf(message, scene);
    const { exchange } = this;
    this.#sink = new StreamSink({ id, exchange, reply, window, limits: scene.limits, outlet, owner: this });
  }

  run(services: FlowServices, message: QueryMessage, scene: QueryScene): void {
    this.#flow = new Flow(services, this.exchange, this.#sink);
    runQuery(this.#flow, message, scene);
  }

  grant(bytes: number): void {
    this.#sink.grant(bytes);
  }

  cancel(): void {
    this.#sink.cancel();
  }

  /** The connection takes more again. */
  drained(): void {
    this.#sink.drained();
  }

  /** The connection will be closed. What the client has been told of the query's end stays true. */
  fail(error: SightlineError): void {
    if (!this.#isAnswered) this.#sink.giveUp(error);
  }

  /** The connection is gone. */
  lost(): void {
    this.#sink.lost();
  }

  onFailure(error: SightlineError): void {
    this.#flow?.fail(error);
  }

  onAnswered(): void {
    this.#isAnswered = true;
    this.#watcher.onAnswered(this.#id);
    this.#lookWhetherOver();
  }

  onEnded(): void {
    this.#hasEnded = true;
    this.#lookWhetherOver();
  }

  #lookWhetherOver(): void {
    if (this.#isAnswered && this.#hasEnded) this.#watcher.onOver(this);
  }
}
