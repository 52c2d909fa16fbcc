import { Connection, type ConnectionEnd } from './connection.ts';
import type { ConnectionState, ReconnectOptions, Settings, StateChange } from './options.ts';
import { QueryError } from './query-error.ts';
import { tell } from './tell.ts';

export interface LinkOwner {
  /** There is a connection: what waits can be sent. */
  opened(): void;
  received(data: unknown): void;
  /** What was under way on the connection gets no answer any more. */
  lost(error: QueryError): void;
  /** No connection for now, or for ever: what waits would wait in vain. */
  gaveUp(error: QueryError): void;
}

/**
 * The server has said that this client is wrong: RFC 6455 §7.4.1. Of a message that was too large (1009) the next
 * connection knows nothing: it is not sent again.
 */
const finalCodes: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1010]);

/**
 * Keeps up a connection: after each one another, with a wait that doubles, until the attempts are used up. They
 * are counted anew once a server has answered something: one that takes connections and drops them is not
 * called without end.
 */
export class Link {
  readonly #settings: Settings;
  readonly #owner: LinkOwner;
  #state: ConnectionState = 'connecting';
  #connection: Connection | undefined;
  #attempts = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Why there is no connection. */
  #error: QueryError | undefined;
  /** For those who wait for the connection that is being made; there only where somebody does. */
  #opening: PromiseWithResolvers<void> | undefined;
  readonly #closed = Promise.withResolvers<void>();

  /** Throws where the platform cannot make a connection as it is wanted. */
  constructor(settings: Settings, owner: LinkOwner) {
    this.#settings = settings;
    this.#owner = owner;
    this.#connect();
    // Not at once: nobody has the client yet that the change is about.
    queueMicrotask(() => this.#state === 'connecting' && tell(settings.onState, { state: 'connecting' }));
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get error(): QueryError | undefined {
    return this.#error;
  }

  /** Resolves as soon as there is a connection; rejects where none could be made, or ever will be. */
  get ready(): Promise<void> {
    if (this.#state === 'open') return Promise.resolve();
    this.#opening ??= Promise.withResolvers();
    const { promise } = this.#opening;
    promise.catch(() => {});
    if (this.#state === 'offline' || this.#state === 'closed') this.#disappoint();
    return promise;
  }

  /** False where there is no connection that it could be handed to. */
  send(text: string): boolean {
    if (this.#state !== 'open' || this.#connection?.isOpen !== true) return false;
    this.#connection.send(text);
    return true;
  }

  /** Somebody wants the connection: the attempts begin anew, where they were used up. */
  wake(): void {
    if (this.#state !== 'offline') return;
    this.#attempts = 0;
    this.#reconnect();
    if (this.#state === 'offline') this.#change({ state: 'reconnecting', delayMs: 0 });
  }

  /** The server has answered something, so the connection is a good one. */
  prove(): void {
    this.#attempts = 0;
  }

  /** For good: with the error that everything under way ends with. Resolves when the connection has ended. */
  close(error: QueryError, code = 1000): Promise<void> {
    if (this.#state !== 'closed') {
      const connection = this.#connection;
      if (this.#state === 'open') this.#owner.lost(error);
      this.#giveUp('closed', error);
      if (connection === undefined) this.#closed.resolve();
      else connection.close(code);
    }
    return this.#closed.promise;
  }

  #connect(): void {
    this.#attempts += 1;
    this.#connection = new Connection(this.#settings, {
      opened: () => this.#opened(),
      received: (data) => this.#state === 'open' && this.#owner.received(data),
      ended: (end) => this.#ended(end),
    });
  }

  #reconnect(): void {
    try {
      this.#connect();
    } catch (thrown) {
      // It could be made before, so this is a whim of the platform.
      this.#ended({ code: 1006, reason: String(thrown), wasOpen: false });
    }
  }

  #opened(): void {
    if (this.#state === 'closed') return;
    this.#error = undefined;
    this.#state = 'open';
    this.#opening?.resolve();
    this.#opening = undefined;
    this.#owner.opened();
    this.#change({ state: 'open' });
  }

  #ended(end: ConnectionEnd): void {
    this.#connection = undefined;
    if (this.#state === 'closed') {
      this.#closed.resolve();
      return;
    }
    const isFinal = finalCodes.has(end.code);
    const error = new QueryError(codeOf(end, isFinal), this.#describe(end, isFinal));
    if (this.#state === 'open') this.#owner.lost(error);
    if (isFinal) {
      this.#closed.resolve();
      this.#giveUp('closed', error);
    } else if (this.#attempts >= this.#settings.reconnect.attempts) this.#giveUp('offline', error);
    else this.#retryLater(error);
  }

  #retryLater(error: QueryError): void {
    const delayMs = backoffMs(this.#attempts, this.#settings.reconnect, Math.random());
    this.#error = error;
    this.#retry = setTimeout(() => this.#reconnect(), delayMs);
    this.#change({ state: 'reconnecting', error, delayMs });
  }

  #giveUp(state: 'offline' | 'closed', error: QueryError): void {
    clearTimeout(this.#retry);
    this.#error = error;
    this.#disappoint();
    this.#owner.gaveUp(error);
    this.#change({ state, error });
  }

  #disappoint(): void {
    this.#opening?.reject(this.#error);
    this.#opening = undefined;
  }

  /** Comes last wherever it is called: whoever is told may do anything with the client. */
  #change(change: StateChange): void {
    this.#state = change.state;
    tell(this.#settings.onState, change);
  }

  #describe({ code, reason, wasOpen }: ConnectionEnd, isFinal: boolean): string {
    // Its query may hold a token.
    const address = this.#settings.url.replace(/\?.*/, '');
    const said = reason.replace(/\.$/, '');
    const why = [code === 1006 ? '' : `close code ${code}`, said].filter(Boolean).join(', ');
    const known = why && `: ${why}`;
    if (isFinal) return `${address} has ended the connection, and it is not made again${known}.`;
    if (wasOpen) return `The connection to ${address} broke${known}.`;
    return (
      `No connection to ${address} in ${this.#attempts} attempt${this.#attempts === 1 ? '' : 's'}${known}. ` +
      'WebSockets do not tell why: the server may be down, or may refuse the handshake (its log says so).'
    );
  }
}

/**
 * The wait before the attempt that follows so many: it doubles, and half of it is left to chance, so that not
 * all the clients of a server that was started anew come at once.
 */
export function backoffMs(attempts: number, options: Required<ReconnectOptions>, random: number): number {
  const longestMs = Math.min(options.delayMaxMs, options.delayMs * 2 ** Math.max(0, attempts - 1));
  return longestMs * (0.5 + random / 2);
}

function codeOf({ wasOpen }: ConnectionEnd, isFinal: boolean) {
  if (isFinal) return 'connection_refused';
  return wasOpen ? 'connection_lost' : 'connection_failed';
}
