import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { WebSocket } from 'ws';
import { asSightlineError, SightlineError } from '../errors.ts';
import type { ConnectTry } from '../exchange/attempt.ts';
import type { Limits } from '../limits.ts';
import type { ReceivedMessage } from '../stream/protocol.ts';
import { transportError } from './failure.ts';
import type {
  FlowControl,
  ReplyReceiver,
  Transport,
  TransportHealth,
  TransportRequest,
} from './transport.ts';
import { Call, type CallCarrier, type CallConnection } from './websocket/call.ts';
import { Connection, type ConnectionWatcher, type Loss } from './websocket/connection.ts';
import { Connector, type ConnectorWatcher } from './websocket/connector.ts';
import type { HubAddress } from './websocket/handshake.ts';
import { queryText, tooLarge, type WholeRequest, withId } from './websocket/query-text.ts';

/**
 * Another Sightline, over one WebSocket that all requests share: each is a query of the stream protocol
 * (`src/stream/protocol.ts`). It connects when somebody has something to send, and again, later each time, while
 * somebody waits. A request is sent once: whether one that was lost with its connection has cost money, nobody knows.
 */
export class WebSocketTransport implements Transport, CallCarrier, ConnectorWatcher, ConnectionWatcher {
  readonly #limits: Limits;
  readonly #connector: Connector;
  /** Requests for which there was no connection, no seat, or no room in the send buffer, in the order of arrival. */
  readonly #waiting = new Set<Call>();
  /** Requests whose bodies are still coming in. */
  readonly #collecting = new Set<Call>();
  /** Where what is new is sent. */
  #connection: Connection | undefined;
  /** With those that only finish what they have, or close. */
  readonly #connections = new Set<Connection>();
  #connects: PromiseWithResolvers<void>[] = [];
  #isClosed = false;
  #whenClosed: (() => void)[] = [];

  constructor(address: HubAddress, limits: Limits) {
    this.#limits = limits;
    this.#connector = new Connector(address, limits, this);
  }

  get health(): TransportHealth {
    return {
      state: this.#state,
      connections: this.#connections.size,
      running: this.#running,
      queued: this.#waiting.size + this.#collecting.size,
    };
  }

  get #running(): number {
    let running = 0;
    for (const { seats } of this.#connections) running += seats.taken;
    return running;
  }

  get #state(): TransportHealth['state'] {
    if (this.#isClosed) return 'closed';
    if (this.#connection) return 'open';
    return this.#connector.isConnecting ? 'connecting' : 'idle';
  }

  /** Rejects where it was given up. */
  async connect(): Promise<void> {
    if (this.#isClosed || this.#connection) return;
    const connect = Promise.withResolvers<void>();
    this.#connects.push(connect);
    this.#connector.start();
    await connect.promise;
  }

  send(request: TransportRequest, receiver: ReplyReceiver): FlowControl {
    const call = new Call(request.method, this, receiver, this.#limits);
    const { body } = request;
    if (this.#isClosed) failSoon(call, new SightlineError('stopping'));
    else if (body === undefined || Buffer.isBuffer(body)) this.#enter(call, { ...request, body });
    else if (this.#isFull) failSoon(call, new SightlineError('upstream_saturated'));
    else void this.#collect(call, request, body);
    return call;
  }

  #enter(call: Call, request: WholeRequest): void {
    try {
      call.query = queryText(request, this.#limits);
    } catch (thrown) {
      failSoon(call, asSightlineError(thrown));
      return;
    }
    if (this.#waiting.size === 0 && this.#connection?.hasRoom()) this.#start(call, this.#connection);
    else if (this.#isFull) failSoon(call, new SightlineError('upstream_saturated'));
    else {
      this.#waiting.add(call);
      if (!this.#connection) this.#connector.start();
    }
  }

  /** A message has its whole body in it. */
  async #collect(call: Call, request: TransportRequest, body: Readable): Promise<void> {
    this.#collecting.add(call);
    call.body = body;
    try {
      const whole = await collect(body, this.#limits.messageBytesMax);
      this.#collecting.delete(call);
      if (!call.isOver) this.#enter(call, { ...request, body: whole });
    } catch (thrown) {
      this.#collecting.delete(call);
      call.fail(transportError(thrown, 'before head'));
    }
  }

  get #isFull(): boolean {
    return this.#waiting.size + this.#collecting.size >= this.#limits.upstreamQueueMax;
  }

  #start(call: Call, connection: Connection): void {
    const id = connection.seats.take(call);
    call.sent(id, connection);
    connection.send(withId(id, call.query));
  }

  /** What waits is sent, as far as it can be. */
  #startWaiting(): void {
    for (const call of this.#waiting) {
      if (!this.#connection?.hasRoom()) break;
      this.#waiting.delete(call);
      this.#start(call, this.#connection);
    }
    if (this.#waiting.size > 0 && !this.#connection) this.#connector.start();
  }

  // The calls.

  withdrawn(call: Call): void {
    this.#waiting.delete(call);
    this.#collecting.delete(call);
    this.#finishClosing();
  }

  answered(call: Call): void {
    this.#leave(call, call.connection);
    this.#startWaiting();
    this.#finishClosing();
  }

  turnedAway(call: Call, by: CallConnection): void {
    if (by === this.#connection) this.#connection = undefined;
    this.#leave(call, by);
    this.#waiting.add(call);
    this.#startWaiting();
  }

  #leave({ id }: Call, connection: CallConnection | undefined): void {
    connection?.seats.leave(id);
    if (connection !== this.#connection && connection?.seats.taken === 0) connection.close(...goingAway);
  }

  // The connection.

  get isWaiting(): boolean {
    return this.#waiting.size > 0 || this.#connects.length > 0;
  }

  onConnectTry(connectTry: ConnectTry): void {
    for (const call of [...this.#waiting]) call.connectTried(connectTry);
  }

  onConnected(webSocket: WebSocket, socket: Socket): void {
    const connection = new Connection(webSocket, socket, this.#limits, this);
    this.#connection = connection;
    this.#connections.add(connection);
    this.#settleConnects((connect) => connect.resolve());
    this.#startWaiting();
  }

  onGivenUp(error: SightlineError): void {
    this.#settleConnects((connect) => connect.reject(error));
    for (const call of [...this.#waiting]) call.fail(error);
  }

  onMessage(connection: Connection, message: ReceivedMessage): void {
    if (message.type === 'ping' || message.type === 'pong') return;
    const { id } = message;
    if (id === undefined) {
      const said = message.type === 'error' ? message.error.message : '';
      connection.refuse(`expected the id of a query with its error (${said})`);
    } else if (connection.seats.hasGiven(id)) {
      connection.seats.find(id)?.receive(message);
    } else {
      connection.refuse('expected the id of a query');
    }
  }

  onWritable(): void {
    this.#startWaiting();
  }

  onLost(connection: Connection, loss: Loss): void {
    if (this.#connection === connection) this.#connection = undefined;
    for (const call of connection.seats.calls()) call.lost(loss);
    this.#startWaiting();
  }

  onGone(connection: Connection): void {
    this.#connections.delete(connection);
    this.#finishClosing();
  }

  async close(deadlineMs: number): Promise<void> {
    this.#isClosed = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#whenClosed.push(resolve);
    const deadline = setTimeout(() => this.#cutOff(), deadlineMs);
    this.#settleConnects((connect) => connect.reject(new SightlineError('stopping')));
    this.#finishClosing();
    await promise;
    clearTimeout(deadline);
  }

  /** As soon as nothing runs or waits any more. */
  #finishClosing(): void {
    if (!this.#isClosed || this.#running + this.#waiting.size + this.#collecting.size > 0) return;
    this.#connector.stop();
    this.#connection?.close(...goingAway);
    this.#connection = undefined;
    if (this.#connections.size > 0) return;
    for (const resolve of this.#whenClosed) resolve();
    this.#whenClosed = [];
  }

  #cutOff(): void {
    const error = new SightlineError('stopping');
    for (const call of [...this.#waiting, ...this.#collecting]) call.fail(error);
    for (const connection of this.#connections) {
      for (const call of connection.seats.calls()) {
        call.fail(error);
        call.lost(error);
      }
    }
    this.#finishClosing();
    for (const connection of this.#connections) connection.destroy();
  }

  #settleConnects(settle: (connect: PromiseWithResolvers<void>) => void): void {
    const connects = this.#connects;
    this.#connects = [];
    for (const connect of connects) settle(connect);
  }
}

const goingAway = [1001, 'going away'] as const;

/** Nobody is told before `send` has returned. */
function failSoon(call: Call, error: SightlineError): void {
  queueMicrotask(() => call.fail(error));
}

async function collect(body: Readable, bytesMax: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    pieces.push(piece);
  }
  return Buffer.concat(pieces, bytes);
}
