import { errorTable, SightlineError } from '../errors.ts';
import type { SessionClose } from '../exchange/session-facts.ts';
import type { MessageContext } from '../messages/message-type.ts';
import type { Session, SessionRun } from '../session/session.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { JsonObject } from '../wire/json.ts';
import { inheritedHeaders, type QueryScene } from './begin-query.ts';
import { MessageLine } from './message-line.ts';
import type { MessageId, QueryMessage } from './protocol.ts';
import {
  idOf,
  isBuiltIn,
  type Refusal,
  readBuiltIn,
  readMessage,
  type TypedMessage,
  unknownType,
} from './read-message.ts';
import { RunningQueries } from './running-queries.ts';
import { pongMessage, refusalMessage } from './server-message.ts';
import { type ConnectionWatcher, type OpenSocket, StreamConnection } from './stream-connection.ts';
import { type QueryWatcher, StreamQuery } from './stream-query.ts';

/** Closed in order: the client has what it came for. */
const goodCloses: ReadonlySet<number> = new Set([1000, 1001, 1005]);

/** For the last words at the end of the service's drain, which waits a second for them. */
const stoppingMs = 500;

/** What one connection says: its messages, the queries that they ask, and its end. */
export class StreamSession implements SessionRun, ConnectionWatcher, QueryWatcher {
  readonly #session: Session;
  readonly #connection: StreamConnection;
  readonly #scene: QueryScene;
  readonly #queries = new RunningQueries<StreamQuery>();
  readonly #line: MessageLine;
  /** Told to handlers of message types; made when the first of them is called. */
  #abort: AbortController | undefined;
  #context: MessageContext | undefined;
  #isDraining = false;
  /** Why it is closed, where it was not the client that did. */
  #error: SightlineError | undefined;
  /** When those are not waited for any more who have still to tell their clients, or to hear it. */
  #lastWords: NodeJS.Timeout | undefined;
  #sentByHandlers = 0;
  #isOver = false;
  #closedAt = 0;

  constructor(session: Session, open: OpenSocket, upstreams: readonly Upstream[]) {
    const { limits } = session.services;
    const { exchange, facts } = session;
    this.#session = session;
    this.#scene = {
      session: exchange,
      inherited: inheritedHeaders(exchange.request.headers),
      upstreams,
      limits,
    };
    this.#line = new MessageLine({
      // One that had begun when the reading stopped, and what came in one piece with its end.
      bytesMax: 2 * limits.messageBytesMax,
      take: (data, isBinary) => this.#take(data, isBinary),
      onBusy: (isBusy) => this.#waitForHandlers(isBusy),
      onOverflow: () => this.fail(new SightlineError('too_many_messages')),
    });
    // In the protocol of this session the other side is us.
    const { client: received, upstream: sent } = facts.received;
    this.#connection = new StreamConnection(open, { limits, received, sent, watcher: this });
    session.run(this);
  }

  fail(error: SightlineError): void {
    if (this.#isOver) return;
    const isStopping = error.code === 'stopping';
    if (this.#error || (isStopping && !this.#connection.isOpen)) {
      // It is being closed already, and its client takes its time.
      if (isStopping) this.#connection.cutOff();
      return;
    }
    this.#error = error;
    this.#line.clear();
    this.#connection.deafen();
    for (const query of this.#queries.list()) query.fail(error);
    this.#closeInTime(error);
  }

  drain(): void {
    this.#isDraining = true;
    this.#closeWhereDrained();
  }

  onMessage(data: Buffer, isBinary: boolean): void {
    this.#line.push(data, isBinary);
  }

  onDrain(): void {
    for (const query of this.#queries.list()) query.drained();
  }

  onFailure(error: SightlineError): void {
    this.fail(error);
  }

  onClose(close: SessionClose): void {
    const isGood = close.by === 'sightline' || (this.#queries.isEmpty && goodCloses.has(close.code));
    this.#error ??= isGood ? undefined : new SightlineError('client_aborted');
    clearTimeout(this.#lastWords);
    this.#closedAt = performance.now();
    this.#isOver = true;
    this.#session.facts.close = close;
    this.#line.clear();
    this.#abort?.abort();
    for (const query of this.#queries.list()) query.lost();
    this.#endAtRest();
  }

  onAnswered(id: MessageId): void {
    this.#queries.answered(id);
    if (this.#error && this.#queries.unanswered === 0) this.#close(this.#error);
  }

  onOver(query: StreamQuery): void {
    const { exchange, seat } = query;
    this.#queries.leave(seat);
    if (exchange.outcome) this.#session.facts.noteTurn(exchange.outcome, exchange.attempt?.reply.usage);
    if (this.#isOver) this.#endAtRest();
    else this.#closeWhereDrained();
  }

  #take(data: Buffer, isBinary: boolean): Promise<void> | undefined {
    const read = readMessage(data, isBinary);
    if ('error' in read) return this.#refuse(read);
    if (isBuiltIn(read.type) || !this.#session.services.messages.has(read.type, 'stream'))
      return this.#answer(read);
    return this.#handle(read);
  }

  /** A message of a type that a plugin has brought. */
  async #handle({ type, message }: TypedMessage): Promise<void> {
    const sentBefore = this.#sentByHandlers;
    const result = await this.#session.services.messages.handle(type, message, this.#contextOfHandlers());
    if (this.#isOver || this.#error) return;
    const id = idOf(message);
    if (result.kind === 'refused') this.#refuse({ ...result, id });
    else if (result.kind === 'changed')
      this.#answer({ type: String(result.message.type), message: result.message }, id);
    // Who passes a message on, and has not answered it, must not leave its client waiting.
    else if (result.kind === 'passed' && this.#sentByHandlers === sentBefore) this.#answer({ type, message });
  }

  /** A message of the protocol itself. `id`: of the one in whose place a handler has put it. */
  #answer(given: TypedMessage, id?: MessageId): undefined {
    if (!isBuiltIn(given.type)) return this.#refuse(withId(unknownType(given), id));
    const message = readBuiltIn(given.type, given.message);
    if ('error' in message) return this.#refuse(withId(message, id));
    switch (message.type) {
      case 'query':
        return this.#ask(message);
      case 'cancel':
        this.#queries.find(message.id)?.cancel();
        break;
      case 'window':
        this.#queries.find(message.id)?.grant(message.bytes);
        break;
      case 'ping':
        this.#connection.send(pongMessage(message.id));
        break;
      case 'pong':
        break;
    }
  }

  #ask(message: QueryMessage): undefined {
    const { id } = message;
    const { services, facts } = this.#session;
    if (this.#queries.find(id)) return this.#refuse(idInUse(id));
    if (this.#isDraining) return this.#refuse({ id, error: new SightlineError('stopping') });
    if (this.#queries.unanswered >= this.#scene.limits.streamQueriesMax)
      return this.#refuse({ id, error: new SightlineError('too_many_queries') });
    const query = new StreamQuery(message, this.#scene, this.#connection, this);
    query.seat = this.#queries.add(id, query);
    facts.turns += 1;
    query.run(services, message, this.#scene);
  }

  #refuse(refusal: Refusal): undefined {
    this.#session.facts.refused += 1;
    this.#connection.send(refusalMessage(refusal));
  }

  #contextOfHandlers(): MessageContext {
    this.#abort ??= new AbortController();
    this.#context ??= Object.freeze({
      session: this.#session.exchange.view,
      kind: 'stream',
      signal: this.#abort.signal,
      send: (message: JsonObject) => this.#sendForHandler(message),
    });
    return this.#context;
  }

  /** Handlers need not wait for a slow client, so what they send must be bounded in another way. */
  #sendForHandler(message: JsonObject): void {
    const text = JSON.stringify(message);
    this.#sentByHandlers += 1;
    if (this.#isOver) return;
    const { sendBufferBytesMax, messageBytesMax } = this.#scene.limits;
    if (this.#connection.bytesWaiting > sendBufferBytesMax + messageBytesMax)
      this.fail(new SightlineError('client_stalled'));
    else this.#connection.send(text);
  }

  /** The session's facts tell of its queries: it ends with the last of them. */
  #endAtRest(): void {
    if (this.#queries.isEmpty)
      this.#session.end(this.#error?.outcome ?? 'completed', this.#error, this.#closedAt);
  }

  /** What comes behind a message that is being handled waits, at the client's as far as can be. */
  #waitForHandlers(isBusy: boolean): void {
    if (isBusy) this.#connection.hold();
    else {
      this.#connection.release();
      this.#closeWhereDrained();
    }
  }

  #closeWhereDrained(): void {
    if (this.#isDraining && this.#queries.isEmpty && !this.#line.isBusy)
      this.#close(new SightlineError('stopping'));
  }

  /** As soon as each query has told its client how it ended. Nobody who takes too long is waited for. */
  #closeInTime(error: SightlineError): void {
    const { unanswered } = this.#queries;
    // Whoever does not read or is not there would hear nothing of it.
    const isGone = error.code === 'client_lost' || error.code === 'client_stalled';
    if (isGone || unanswered === 0 || !this.#connection.isOpen) this.#close(error);
    if (isGone) this.#connection.cutOff();
    else if (error.code === 'stopping')
      this.#lastWords = setTimeout(() => this.#connection.cutOff(), stoppingMs).unref();
    // Middleware may still have to leave one.
    else if (unanswered > 0)
      this.#lastWords = setTimeout(() => this.#close(error), this.#scene.limits.closeTimeoutMs).unref();
  }

  #close(error: SightlineError): void {
    this.#connection.close(errorTable[error.code].close, error.message);
  }
}

function idInUse(id: MessageId): Refusal {
  const reason = 'expected an id that no query under way has';
  const message = `The message 'query' is not as its type wants it: id: ${reason}.`;
  return { id, error: new SightlineError('message_invalid', { message }), field: 'id', reason };
}

function withId(refusal: Refusal, id: MessageId | undefined): Refusal {
  return refusal.id === undefined ? { ...refusal, id } : refusal;
}
