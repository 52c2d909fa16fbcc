import type { Socket } from 'node:net';
import { errorTable, SightlineError } from '../../errors.ts';
import type { Outcome } from '../../exchange/outcome.ts';
import type { Peer, SessionClose } from '../../exchange/session-facts.ts';
import { noteChunk } from '../../flow/moments.ts';
import type { Limits } from '../../limits.ts';
import { noCloseFrame } from '../../wire/websocket/close-frame.ts';
import { FrameError } from '../../wire/websocket/frame-error.ts';
import type { Extensions } from '../../wire/websocket/frame-parser.ts';
import type { Session, SessionRun } from '../session.ts';
import type { Message, MessagePlan, Sending, SessionControl, SessionReader } from '../session-reader.ts';
import { Inlet, type InletReader } from './inlet.ts';
import { Leg, type LegWatcher, pause } from './leg.ts';
import { absenceCodes, closeError, faultError, other } from './session-end.ts';

export interface RelayOptions {
  readonly session: Session;
  readonly sockets: Readonly<Record<Peer, Socket>>;
  readonly extensions: Extensions;
  readonly createReader: (control: SessionControl) => SessionReader;
  /** Each side's own; a message is bounded by those of the upstream. */
  readonly limits: Readonly<Record<Peer, Limits>>;
  /** Both connections are gone. `at`: when nothing could go through any more. */
  readonly onOver: (outcome: Outcome, error: SightlineError | undefined, at: number) => void;
}

/** How the session ends: the first thing that ends it tells. */
interface Verdict {
  readonly outcome: Outcome;
  readonly error: SightlineError | undefined;
  readonly close: SessionClose;
}

/** For the answers to close frames of a service that cuts off what is left; it waits a second for all that. */
const lastWordsMs = 500;
/** How often a draining session looks whether its turns have ended. */
const drainLookMs = 50;
/** Messages of ours may be so many times the send buffer before the session fails. */
const ownMessagesFactor = 4;

/**
 * A session between two peers whose connections stand: what comes from one goes to the other, until one of them
 * closes, fails or goes, and both connections are gone.
 */
export class Relay implements InletReader, LegWatcher, SessionControl, SessionRun {
  readonly #options: RelayOptions;
  readonly #legs: Readonly<Record<Peer, Leg>>;
  /** Undefined once it was told of the end. */
  #reader: SessionReader | undefined;
  #verdict: Verdict | undefined;
  #overAt = 0;
  #deadline: NodeJS.Timeout | undefined;
  #drainLook: NodeJS.Timeout | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
    const leg = (peer: Peer) =>
      new Leg({ peer, socket: options.sockets[peer], limits: options.limits[peer], watcher: this });
    this.#legs = { client: leg('client'), upstream: leg('upstream') };
    this.#reader = options.createReader(this);
  }

  /** From here on both peers are read. */
  start(): void {
    const { session, extensions, limits } = this.#options;
    for (const from of ['client', 'upstream'] as const) {
      const inlet = new Inlet({
        from,
        to: this.#other(from).outlet,
        extensions,
        messageBytesMax: limits.upstream.messageBytesMax,
        // An upstream is no stranger.
        controlsPerSecondMax:
          from === 'client' ? limits.client.clientMessagesPerSecondMax : Number.POSITIVE_INFINITY,
        received: session.facts.received[from],
        reader: this,
      });
      this.#legs[from].read(inlet);
    }
  }

  plan(from: Peer, isBinary: boolean): MessagePlan {
    return this.#reader?.plan(from, isBinary) ?? 'pass';
  }

  seen(from: Peer, message: Message, at: number): void {
    this.#reader?.seen(from, message, at);
  }

  take(from: Peer, message: Message, at: number): boolean {
    const taken = this.#reader?.take(from, message, at) ?? [{ ...message, to: other(from) }];
    if (!(taken instanceof Promise)) {
      for (const sending of taken) this.#send(sending);
      return true;
    }
    const leg = this.#legs[from];
    leg.pause(pause.heldMessage);
    void taken.then((sendings) => {
      for (const sending of sendings) this.#send(sending);
      leg.resume(pause.heldMessage);
    });
    return false;
  }

  passed(from: Peer, bytes: Buffer): void {
    if (from === 'client') return;
    const { session } = this.#options;
    noteChunk(session.services, session.exchange, bytes);
  }

  isOwnPong(from: Peer, payload: Buffer): boolean {
    return this.#legs[from].isOwnPing(payload);
  }

  send(sending: Sending): void {
    this.#send(sending);
    const { messageBytesMax } = this.#options.limits.upstream;
    const { sendBufferBytesMax } = this.#options.limits[sending.to];
    const leg = this.#legs[sending.to];
    const { waiting } = leg.outlet;
    if (waiting > sendBufferBytesMax * ownMessagesFactor + messageBytesMax) this.onStall(sending.to);
    // The other one waits where its connection is full; this one may be who causes them.
    else if (waiting > sendBufferBytesMax) leg.pause(pause.ownMessages);
  }

  readSince(from: Peer): number {
    return this.#legs[from].readSince;
  }

  #send({ to, data, isBinary }: Sending): void {
    this.#legs[to].outlet.send(data, isBinary);
  }

  onFull(peer: Peer): void {
    this.#other(peer).pause(pause.otherIsFull);
  }

  onRoom(peer: Peer): void {
    const leg = this.#legs[peer];
    if (leg.outlet.waiting <= this.#options.limits[peer].sendBufferBytesMax) leg.resume(pause.ownMessages);
    if (!leg.outlet.isFull) this.#other(peer).resume(pause.otherIsFull);
  }

  onOutletClosed(peer: Peer): void {
    const leg = this.#legs[peer];
    if (leg.isDone) leg.finish();
    // What is not sent needs no room.
    leg.resume(pause.ownMessages);
    this.#other(peer).resume(pause.otherIsFull);
  }

  onClose(from: Peer, code: number, reason: string): void {
    const error = closeError(from, code);
    this.#settle({ outcome: error?.outcome ?? 'completed', error, close: { by: from, code, reason } });
    this.#done(this.#legs[from]);
    if (this.#other(from).isDone) this.#endReader();
  }

  onFault(from: Peer, fault: FrameError | SightlineError): void {
    const error = fault instanceof FrameError ? faultError(from, fault) : fault;
    const code = fault instanceof FrameError ? fault.closeCode : errorTable[error.code].close;
    const { message: reason } = error;
    this.#settle({ outcome: error.outcome, error, close: { by: 'sightline', code, reason } });
    this.#endReader();
    const leg = this.#legs[from];
    leg.isFaulty = true;
    this.#done(leg);
    this.#tell(from, code, reason);
    this.#tell(other(from), absenceCodes[from], reason);
  }

  onEnd(peer: Peer): void {
    // After its close frame that is what is to come.
    if (this.#legs[peer].isDone) return;
    const error = new SightlineError(peer === 'client' ? 'client_aborted' : 'upstream_truncated');
    this.#lose(peer, error, peer);
    this.#legs[peer].cut();
  }

  onLost(peer: Peer): void {
    this.#lose(peer, new SightlineError(peer === 'client' ? 'client_lost' : 'upstream_lost'), 'sightline');
    this.#legs[peer].cut();
  }

  onStall(peer: Peer): void {
    const error =
      peer === 'client'
        ? new SightlineError('client_stalled')
        : new SightlineError('upstream_lost', { message: 'The upstream stopped reading.' });
    this.#lose(peer, error, 'sightline');
    this.#legs[peer].reset();
  }

  onGone(peer: Peer): void {
    this.onEnd(peer);
    if (!this.#isOver) return;
    clearTimeout(this.#deadline);
    clearInterval(this.#drainLook);
    this.#endReader();
    const { outcome = 'failed', error } = this.#verdict ?? {};
    this.#options.onOver(outcome, error, this.#overAt);
  }

  fail(error: SightlineError): void {
    const isLast = error.code === 'stopping';
    this.#end(error.outcome, error, errorTable[error.code].close, error.message, isLast);
  }

  drain(): void {
    if (this.#drainLook || this.#verdict) return;
    const look = () => {
      if (this.#reader && this.#reader.openTurns > 0) return;
      clearInterval(this.#drainLook);
      if (!this.#verdict) this.#end('completed', undefined, 1001, 'Sightline is stopping.');
    };
    this.#drainLook = setInterval(look, drainLookMs).unref();
    look();
  }

  /** An end of our own: both are told. */
  #end(
    outcome: Outcome,
    error: SightlineError | undefined,
    code: number,
    reason: string,
    isLast = false,
  ): void {
    this.#settle({ outcome, error, close: { by: 'sightline', code, reason } }, isLast);
    this.#endReader();
    this.#tell('client', code, reason);
    this.#tell('upstream', code, reason);
  }

  /** Nothing comes from the peer any more, and it did not say so. */
  #lose(peer: Peer, error: SightlineError, by: SessionClose['by']): void {
    this.#settle({ outcome: error.outcome, error, close: { by, code: noCloseFrame, reason: '' } });
    this.#endReader();
    const leg = this.#legs[peer];
    leg.isDone = true;
    const { close } = this.#verdict as Verdict;
    // Where the other one waits for an answer to its close frame, that is what it gets.
    if (close.by === other(peer)) this.#tell(other(peer), close.code, close.reason);
    else this.#tell(other(peer), absenceCodes[peer], error.message);
  }

  #done(leg: Leg): void {
    leg.isDone = true;
    if (leg.outlet.isClosed) leg.finish();
  }

  /** A close frame of ours, unless the peer has one; none where the peer waits for the rest of a frame. */
  #tell(peer: Peer, code: number, reason: string): void {
    const { outlet } = this.#legs[peer];
    outlet.close(code, reason);
    if (!outlet.isClosed && !this.#other(peer).isReading) this.#legs[peer].cut();
  }

  /** The first one counts. From here on there is a deadline, which `isLast` shortens. */
  #settle(verdict: Verdict, isLast = false): void {
    if (this.#isOver || (this.#verdict && !isLast)) return;
    this.#verdict ??= verdict;
    const { session, limits } = this.#options;
    session.facts.close = this.#verdict.close;
    const { closeTimeoutMs } = limits.client;
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(
      () => this.#cutOff(),
      isLast ? Math.min(lastWordsMs, closeTimeoutMs) : closeTimeoutMs,
    );
  }

  /** The closing handshake takes too long. */
  #cutOff(): void {
    this.#endReader();
    const { close } = this.#verdict as Verdict;
    for (const leg of [this.#legs.client, this.#legs.upstream]) {
      if (leg.isDone) this.#tell(leg.peer, close.code, close.reason);
      leg.cut();
    }
  }

  #endReader(): void {
    if (!this.#reader) return;
    this.#overAt = performance.now();
    const reader = this.#reader;
    this.#reader = undefined;
    reader.end(this.#verdict?.error, this.#overAt);
  }

  get #isOver(): boolean {
    return this.#legs.client.isGone && this.#legs.upstream.isGone;
  }

  #other(peer: Peer): Leg {
    return this.#legs[other(peer)];
  }
}
