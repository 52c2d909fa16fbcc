import { SightlineError } from '../../errors.ts';
import type { Peer, Received } from '../../exchange/session-facts.ts';
import { readClose } from '../../wire/websocket/close-frame.ts';
import { FrameError } from '../../wire/websocket/frame-error.ts';
import {
  type DataFrame,
  type Extensions,
  FrameParser,
  type FrameReceiver,
} from '../../wire/websocket/frame-parser.ts';
import { opcode } from '../../wire/websocket/opcode.ts';
import type { Message, MessagePlan } from '../session-reader.ts';
import { Assembly } from './assembly.ts';
import type { Outlet } from './outlet.ts';

export interface InletOptions {
  readonly from: Peer;
  readonly extensions: Extensions;
  readonly messageBytesMax: number;
  /** Control frames in a second; above it the session fails. */
  readonly controlsPerSecondMax: number;
  readonly received: Received;
  /** Where it goes. */
  readonly to: Outlet;
  readonly reader: InletReader;
}

/** What the session does with what comes from a peer. */
export interface InletReader {
  plan(from: Peer, isBinary: boolean): MessagePlan;
  seen(from: Peer, message: Message, at: number): void;
  /** Returns whether to go on at once. */
  take(from: Peer, message: Message, at: number): boolean;
  /** Bytes that nobody reads have gone on. */
  passed(from: Peer, bytes: Buffer): void;
  /** The answer to a ping of ours: it goes nowhere. */
  isOwnPong(from: Peer, payload: Buffer): boolean;
  /** The peer's close frame has gone on; nothing comes after it. */
  onClose(from: Peer, code: number, reason: string): void;
  /** The peer breaks the protocol, or a limit: nothing that comes after that is read. */
  onFault(from: Peer, error: FrameError | SightlineError): void;
}

/**
 * What comes from one peer of a session: its frames go on as they came, unless the message is held. Frames that
 * come together go on together, as one write.
 */
export class Inlet implements FrameReceiver {
  readonly #options: InletOptions;
  readonly #parser: FrameParser;
  readonly #assembly = new Assembly();
  #plan: MessagePlan = 'pass';
  /** What is being pushed, since when. */
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Where in it begins what is to go on; -1: nowhere. */
  #from = -1;
  /** The first bytes of that, from an earlier chunk. */
  #before: Buffer | undefined;
  /** The end of the last whole frame in it. */
  #wholeTo = 0;
  #isDone = false;
  #controls = 0;
  #controlsSince = 0;

  constructor(options: InletOptions) {
    this.#options = options;
    this.#parser = new FrameParser({ ...options, isMasked: options.from === 'client' }, this);
  }

  /** What has come, at this reading of `performance.now()`. Returns the rest where the session has to wait. */
  receive(chunk: Buffer, at: number): Buffer | undefined {
    this.#options.received.bytes += chunk.length;
    return this.push(chunk, at);
  }

  /** The same with such a rest. */
  push(chunk: Buffer, at: number): Buffer | undefined {
    if (this.#isDone) return undefined;
    this.#chunk = chunk;
    this.#at = at;
    this.#wholeTo = 0;
    if (this.#parser.isInFrame && this.#plan !== 'hold') this.#from = 0;
    try {
      const stoppedAt = this.#parser.push(chunk);
      if (!this.#isDone) this.#flush(stoppedAt - this.#parser.untold);
      return stoppedAt < chunk.length && !this.#isDone ? chunk.subarray(stoppedAt) : undefined;
    } catch (thrown) {
      if (!(thrown instanceof FrameError || thrown instanceof SightlineError)) throw thrown;
      // Of the frame that is wrong nothing more goes on; those before it are whole.
      if (this.#wholeTo > this.#from) this.#flush(this.#wholeTo, true);
      this.stop();
      this.#options.reader.onFault(this.#options.from, thrown);
      return undefined;
    } finally {
      this.#chunk = nothing;
    }
  }

  /** What comes now is dropped. */
  stop(): void {
    this.#isDone = true;
    this.#from = -1;
    this.#before = undefined;
  }

  onFrame(frame: DataFrame, from: number, before: Buffer | undefined): boolean {
    const { from: peer, received, reader } = this.#options;
    received.frames += 1;
    if (frame.isFirst) {
      const plan = frame.isPlain ? reader.plan(peer, frame.isBinary) : 'pass';
      if (plan !== this.#plan) this.#flush(from, true);
      this.#plan = plan;
    }
    if (this.#plan === 'hold') this.#flush(from, true);
    else this.#open(from, before);
    return this.#plan !== 'pass';
  }

  onPayload(clear: Buffer): void {
    this.#assembly.push(clear);
  }

  onFrameEnd(frame: DataFrame, to: number): boolean {
    this.#wholeTo = to;
    const { from: peer, received, reader, to: outlet } = this.#options;
    if (frame.isFinal) received.messages += 1;
    const isRead = frame.isFinal && this.#plan !== 'pass';
    // Whoever gets it comes first; then those who only look at it.
    if (outlet.isQueueing || isRead) this.#flush(to);
    if (!isRead) return true;
    const message = { data: this.#assembly.take(), isBinary: frame.isBinary };
    if (this.#plan === 'hold') return reader.take(peer, message, this.#at) && !this.#isDone;
    reader.seen(peer, message, this.#at);
    return !this.#isDone;
  }

  onControl(code: number, payload: Buffer, from: number, to: number, before: Buffer | undefined): void {
    const { from: peer, received, reader, to: outlet } = this.#options;
    received.frames += 1;
    if (code === opcode.pong && reader.isOwnPong(peer, payload)) {
      this.#flush(from);
      this.#wholeTo = to;
      return;
    }
    this.#count();
    this.#open(from, before);
    this.#wholeTo = to;
    if (code === opcode.close) this.#close(payload, to);
    else if (outlet.isQueueing) this.#flush(to);
  }

  #close(payload: Buffer, to: number): void {
    const { from: peer, to: outlet, reader } = this.#options;
    const { code, reason } = readClose(payload);
    const bytes = this.#taken(to);
    if (bytes) outlet.forwardClose(bytes);
    this.stop();
    reader.onClose(peer, code, reason);
  }

  #count(): void {
    if (this.#at - this.#controlsSince >= 1_000) {
      this.#controlsSince = this.#at;
      this.#controls = 0;
    }
    this.#controls += 1;
    const { controlsPerSecondMax } = this.#options;
    if (this.#controls > controlsPerSecondMax) {
      throw new SightlineError('too_many_messages', {
        message: `More than ${controlsPerSecondMax} control frames came in a second.`,
      });
    }
  }

  #open(from: number, before: Buffer | undefined): void {
    if (this.#from !== -1) return;
    this.#from = from;
    this.#before = before;
  }

  /** What is to go on, before `to`, goes on. `isWhole`: no frame and no message is unfinished there. */
  #flush(to: number, isWhole = false): void {
    const bytes = this.#taken(to);
    if (!bytes) return;
    const { from: peer, to: outlet, reader } = this.#options;
    const isForwarding = !isWhole && this.#plan !== 'hold';
    outlet.forward(bytes, isForwarding && this.#parser.isInFrame, isForwarding && this.#parser.isInMessage);
    if (this.#plan === 'pass') reader.passed(peer, bytes);
  }

  #taken(to: number): Buffer | undefined {
    const from = this.#from;
    if (from === -1) return undefined;
    const before = this.#before;
    this.#from = -1;
    this.#before = undefined;
    if (from === 0 && to === this.#chunk.length && !before) return this.#chunk;
    const bytes = this.#chunk.subarray(from, to);
    return before ? Buffer.concat([before, bytes]) : bytes.length > 0 ? bytes : undefined;
  }
}

const nothing = Buffer.alloc(0);
