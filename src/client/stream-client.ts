/// <reference lib="esnext.disposable" preserve="true" />
import type { ServerMessage } from '../stream/protocol.ts';
import { Link } from './link.ts';
import type {
  ConnectionState,
  QueryOptions,
  SendOptions,
  SentMessage,
  ServerEvent,
  Settings,
} from './options.ts';
import type { Query } from './query.ts';
import { QueryError } from './query-error.ts';
import { queryMessage } from './query-message.ts';
import { readMessage } from './read-message.ts';
import type { Answer, JsonObject, Reply } from './reply.ts';
import { type Receiver, type ResultKind, RunningQuery } from './running-query.ts';
import { tell } from './tell.ts';

/** A close code of ours: a client may give 1000 and those from 3000 on, nothing else. */
const badMessageCode = 4_002;

/**
 * Many queries at once on one connection to a Sightline's `/stream`. The connection is opened at once and made
 * anew when it breaks; queries wait for it meanwhile, but what was under way then fails with `connection_lost`.
 * It keeps a process alive, as any open connection does, until `close`.
 */
export class StreamClient implements AsyncDisposable {
  readonly #settings: Settings;
  readonly #link: Link;
  /** Sent on the connection that there is. */
  readonly #underWay = new Map<unknown, Receiver>();
  /** In the order in which they were asked: for a connection. */
  readonly #waiting = new Map<Receiver, string>();
  #lastId = 0;

  /** Throws a `TypeError` where the platform's WebSocket cannot do what is wanted. */
  constructor(settings: Settings) {
    this.#settings = settings;
    this.#link = new Link(settings, {
      opened: () => this.#opened(),
      received: (data) => this.#received(data),
      lost: (error) => failAll(this.#underWay.values(), error),
      gaveUp: (error) => failAll(this.#waiting.keys(), error),
    });
  }

  get state(): ConnectionState {
    return this.#link.state;
  }

  /**
   * Resolves as soon as there is a connection. Rejects with a `QueryError` where none could be made. Nobody has to
   * wait for it: queries do.
   */
  get ready(): Promise<void> {
    return this.#link.ready;
  }

  /** Asks a model. */
  query<T = JsonObject>(options: QueryOptions): Query<T> {
    const window = options.window ?? this.#settings.window;
    return this.#ask<T, Reply<T>>({ ofResponse: (reply) => reply }, options.signal, window, (id) =>
      queryMessage(id, options, window),
    );
  }

  /** Sends a message of a type that a plugin brings. Its answer is what comes back with its id. */
  send<T = JsonObject>(message: SentMessage, options: SendOptions = {}): Query<T, Answer<T>> {
    const kind: ResultKind<T, Answer<T>> = {
      ofResponse: (reply, last) => ({ ...reply, message: last as T }),
      ofOther: {
        isLast: options.until ?? (() => true),
        result: (last, events) => ({ message: last as T, events }),
      },
    };
    const window = options.window ?? Number.POSITIVE_INFINITY;
    return this.#ask(kind, options.signal, window, (id) => ({ ...message, id }));
  }

  /**
   * Ends what is under way or waits (`closed`), and the connection. Resolves when that has ended too. Idempotent.
   */
  close(): Promise<void> {
    return this.#link.close(closedError());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #ask<T, R>(
    kind: ResultKind<T, R>,
    signal: AbortSignal | undefined,
    window: number,
    messageOf: (id: number) => object,
  ): Query<T, R> {
    this.#lastId += 1;
    const id = this.#lastId;
    const query = new RunningQuery<T, R>({
      id,
      kind,
      window,
      signal,
      grant: (bytes) => this.#link.send(JSON.stringify({ type: 'window', id, bytes })),
      ended: (wasCancelled) => this.#ended(query, wasCancelled),
    });
    if (signal?.aborted) query.cancel(signal.reason);
    else this.#start(query, messageOf);
    return query;
  }

  #start(query: Receiver, messageOf: (id: number) => object): void {
    let text: string;
    try {
      text = JSON.stringify(messageOf(query.id));
    } catch (cause) {
      query.fail(new QueryError('message_invalid', `The query is no JSON: ${String(cause)}`, { cause }));
      return;
    }
    if (this.#transmit(query, text)) return;
    if (this.#link.state === 'closed') {
      query.fail(this.#link.error ?? closedError());
    } else if (this.#waiting.size >= this.#settings.queueMax) {
      query.fail(
        new QueryError('queue_full', `${this.#waiting.size} queries wait for a connection already.`),
      );
    } else {
      this.#waiting.set(query, text);
      this.#link.wake();
    }
  }

  #transmit(query: Receiver, text: string): boolean {
    if (!this.#link.send(text)) return false;
    this.#underWay.set(query.id, query);
    query.sent();
    return true;
  }

  #opened(): void {
    for (const [query, text] of this.#waiting) {
      if (!this.#transmit(query, text)) return;
      this.#waiting.delete(query);
    }
  }

  #ended(query: Receiver, wasCancelled: boolean): void {
    this.#waiting.delete(query);
    const wasUnderWay = this.#underWay.delete(query.id);
    if (wasCancelled && wasUnderWay) this.#link.send(JSON.stringify({ type: 'cancel', id: query.id }));
  }

  #received(data: unknown): void {
    const incoming = readMessage(data);
    if (incoming === undefined) {
      this.#refuse();
      return;
    }
    if (incoming.message.type !== 'error') this.#link.prove();
    if (incoming.kind === 'own') this.#take(incoming.message, String(data));
    else if (this.#underWay.get(incoming.message.id)?.other(incoming.message) !== true)
      tell(this.#settings.onMessage, incoming.message);
  }

  #take(message: ServerMessage, text: string): void {
    if (message.type === 'ping') {
      this.#link.send(JSON.stringify({ ...message, type: 'pong' }));
      return;
    }
    if (message.type === 'pong') return;
    const query = this.#underWay.get(message.id);
    if (query === undefined) {
      // What still comes for a query that was cancelled concerns nobody.
      if (!this.#hasGiven(message.id)) tell(this.#settings.onMessage, message as unknown as ServerEvent);
      return;
    }
    try {
      if (message.type === 'chunk') query.chunk(message, text);
      else if (message.type === 'response') query.respond(message);
      else if (message.type === 'error') query.refuse(message);
    } catch (cause) {
      // That base64, or a header, is none shows when it is read.
      this.#refuse(cause);
    }
  }

  /** Whoever talks like this does not speak the stream protocol. */
  #refuse(cause?: unknown): void {
    const message = 'The server sent something that is no message of the stream protocol.';
    void this.#link.close(new QueryError('bad_message', message, { cause }), badMessageCode);
  }

  #hasGiven(id: unknown): boolean {
    return typeof id === 'number' && id >= 1 && id <= this.#lastId;
  }
}

function closedError(): QueryError {
  return new QueryError('closed', 'The client was closed.');
}

function failAll(queries: Iterable<Receiver>, error: QueryError): void {
  for (const query of [...queries]) query.fail(error);
}
