import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Peer } from '../../exchange/session-facts.ts';
import type { Limits } from '../../limits.ts';
import { Heartbeat, type Patient } from '../../wire/websocket/heartbeat.ts';
import type { Inlet } from './inlet.ts';
import { Outlet } from './outlet.ts';

/** Told what becomes of one side of a session. */
export interface LegWatcher {
  /** The peer takes no more for now. */
  onFull(peer: Peer): void;
  /** It takes more again, or nothing of ours waits any more. */
  onRoom(peer: Peer): void;
  /** Nothing goes to it any more. */
  onOutletClosed(peer: Peer): void;
  /** It does not take what waits for it. */
  onStall(peer: Peer): void;
  /** It does not answer. */
  onLost(peer: Peer): void;
  /** Nothing will come from it any more. */
  onEnd(peer: Peer): void;
  /** Its connection is gone, on both ends: the last call. */
  onGone(peer: Peer): void;
}

export interface LegOptions {
  readonly peer: Peer;
  readonly socket: Socket;
  readonly limits: Pick<
    Limits,
    'pingIntervalMs' | 'pongTimeoutMs' | 'clientStallTimeoutMs' | 'lingerTimeoutMs'
  >;
  readonly watcher: LegWatcher;
}

/** Why nothing is read from a peer for now. */
export const pause = {
  /** The other one is slower. */
  otherIsFull: 1,
  /** Too many messages of ours wait for it. */
  ownMessages: 2,
  /** A message of its is held. */
  heldMessage: 4,
} as const;
type Pause = (typeof pause)[keyof typeof pause];

/** One side of a session: its connection, and how it is closed. */
export class Leg implements Patient {
  readonly peer: Peer;
  readonly outlet: Outlet;
  readonly #socket: Socket;
  readonly #heartbeat: Heartbeat;
  readonly #watcher: LegWatcher;
  readonly #lingerTimeoutMs: number;
  readonly #ping = randomBytes(8);
  #isPinged = false;
  /** What the peer had taken when it was asked, or looked at last. */
  #takenBefore = 0;
  #inlet: Inlet | undefined;
  /** What came, and has to wait. */
  #rest: Buffer | undefined;
  #pauses = 0;
  #isStopped = false;
  /** The peer has said all: its close frame has come, or what it says has no meaning any more. */
  isDone = false;
  /** It broke the protocol, and may be sending still. */
  isFaulty = false;
  isGone = false;
  /** By `performance.now()`; `Infinity` while nothing is read. */
  readSince = 0;

  constructor({ peer, socket, limits, watcher }: LegOptions) {
    this.peer = peer;
    this.#socket = socket;
    this.#watcher = watcher;
    this.#lingerTimeoutMs = limits.lingerTimeoutMs;
    this.outlet = new Outlet(socket, {
      isMasked: peer === 'upstream',
      stallTimeoutMs: limits.clientStallTimeoutMs,
      onFull: () => watcher.onFull(peer),
      onRoom: () => watcher.onRoom(peer),
      onClosed: () => watcher.onOutletClosed(peer),
      onStall: () => watcher.onStall(peer),
    });
    this.#heartbeat = new Heartbeat(this, limits);
    socket.setNoDelay(true);
    // 'close' follows and tells all that is needed.
    socket.on('error', () => undefined);
    socket.on('end', () => watcher.onEnd(peer));
    socket.on('close', () => {
      this.isGone = true;
      this.#stop();
      watcher.onGone(peer);
    });
  }

  /** From here on the peer is read. */
  read(inlet: Inlet): void {
    this.#inlet = inlet;
    this.#socket.on('data', (chunk: Buffer) => {
      const at = performance.now();
      this.#heartbeat.heard(at);
      this.#rest = inlet.receive(chunk, at);
    });
    this.#socket.resume();
  }

  /** What comes from the peer still goes on. */
  get isReading(): boolean {
    return !this.isDone && !this.#isStopped;
  }

  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  get isHeld(): boolean {
    return this.#pauses !== 0;
  }

  ping(): void {
    this.#isPinged = this.outlet.ping(this.#ping);
    this.#takenBefore = this.outlet.taken;
  }

  /** One that takes something is there, and may not have come to the ping. */
  silent(): boolean {
    if (!this.#isPinged) {
      // It was in the middle of a frame.
      this.ping();
      return true;
    }
    const { taken } = this.outlet;
    if (taken > this.#takenBefore) {
      this.#takenBefore = taken;
      return true;
    }
    this.#watcher.onLost(this.peer);
    return false;
  }

  isOwnPing(payload: Buffer): boolean {
    return this.#ping.equals(payload);
  }

  pause(why: Pause): void {
    if (this.#isStopped) return;
    if (this.#pauses === 0) {
      this.#socket.pause();
      this.readSince = Number.POSITIVE_INFINITY;
    }
    this.#pauses |= why;
  }

  resume(why: Pause): void {
    if ((this.#pauses & why) === 0 || this.#isStopped) return;
    this.#pauses &= ~why;
    while (this.#pauses === 0 && this.#rest) this.#rest = this.#inlet?.push(this.#rest, performance.now());
    if (this.#pauses !== 0 || this.#isStopped) return;
    this.#socket.resume();
    this.readSince = performance.now();
    this.#heartbeat.heard(this.readSince);
  }

  /** Everything has been said: the connection ends when what was written has gone. */
  finish(): void {
    this.#stop();
    if (this.isFaulty) this.#linger();
    else this.#socket.destroySoon();
  }

  /** The connection ends now, with what the kernel has. */
  cut(): void {
    this.#stop();
    this.#socket.destroy();
  }

  /** The connection ends now, and what waits for the peer is dropped. */
  reset(): void {
    this.#stop();
    this.#socket.resetAndDestroy();
  }

  /** Closing before the peer has sent everything resets the connection, and can take the close frame with it. */
  #linger(): void {
    const socket = this.#socket;
    socket.end();
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), this.#lingerTimeoutMs).unref();
    socket.once('close', () => clearTimeout(timer));
  }

  #stop(): void {
    this.#isStopped = true;
    this.#rest = undefined;
    this.#inlet?.stop();
    this.outlet.stop();
    this.#heartbeat.stop();
  }
}
