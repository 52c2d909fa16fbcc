import { readClose } from './close-frame.ts';
import { FrameError } from './frame-error.ts';
import { applyMask } from './mask.ts';
import { controlBytesMax, isControl, opcode } from './opcode.ts';
import { Utf8Check } from './utf8-check.ts';

/** What the peers agreed on: nothing, compression (RFC 7692), or something that is not known here. */
export type Extensions = 'none' | 'deflate' | 'other';

export interface FrameParserOptions {
  /** Frames of a client are masked, those of a server are not (RFC 6455 §5.1). */
  readonly isMasked: boolean;
  readonly extensions: Extensions;
  /** The payload of one message, all its frames together, as it is on the wire. */
  readonly messageBytesMax: number;
}

/** A data frame whose header has been read. The parser has one of these, and changes it with the next frame. */
export interface DataFrame {
  readonly isFirst: boolean;
  readonly isFinal: boolean;
  /** Of the message. */
  readonly isBinary: boolean;
  /** No extension has changed the message: its payload is what the peer said. */
  readonly isPlain: boolean;
}

/**
 * Told of frames by their place in the bytes that are being pushed, so that they can go on as they came.
 * `before`: the frame's first bytes, where they came with an earlier push; they were told to nobody then.
 */
export interface FrameReceiver {
  /** A data frame begins at `from`. Returns whether its payload is wanted. */
  onFrame(frame: DataFrame, from: number, before: Buffer | undefined): boolean;
  /** A piece of a payload that is wanted, unmasked. Valid during the call alone. */
  onPayload(clear: Buffer): void;
  /** The data frame has ended before `to`. Returns whether to go on: false leaves the rest for another push. */
  onFrameEnd(frame: DataFrame, to: number): boolean;
  /** A control frame as a whole, from `from` to before `to`. `payload`, unmasked, is valid during the call alone. */
  onControl(code: number, payload: Buffer, from: number, to: number, before: Buffer | undefined): void;
}

/** Two bytes, a length of eight, a mask, and the payload of a control frame. */
const unitBytesMax = 2 + 8 + 4 + controlBytesMax;

/** Payload is unmasked here where nobody keeps it: in pieces of this size, one parser at a time. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Reads what one peer of a WebSocket sends (RFC 6455 §5.2), in pieces that may break anywhere, and checks all
 * that a receiver has to. A frame that breaks the rules by its header is told to nobody: nothing of it need go
 * on. A text is found to be none with the piece that makes it so.
 */
export class FrameParser {
  readonly #options: FrameParserOptions;
  readonly #receiver: FrameReceiver;
  readonly #frame = { isFirst: true, isFinal: true, isBinary: false, isPlain: true };
  readonly #text = new Utf8Check();
  readonly #mask = new Uint8Array(4);
  /** A header, or a control frame, of which a part has come: made where that happens. */
  #unit: Buffer | undefined;
  #unitBytes = 0;
  /** A message has begun, and its last frame has not. */
  #isInMessage = false;
  #messageBytes = 0;
  #isInFrame = false;
  /** Of the frame's payload: seen, and still to come. */
  #offset = 0;
  #left = 0;
  #isWanted = false;
  #isClosed = false;

  constructor(options: FrameParserOptions, receiver: FrameReceiver) {
    this.#options = options;
    this.#receiver = receiver;
  }

  /** A data frame has begun, and not ended. */
  get isInFrame(): boolean {
    return this.#isInFrame;
  }

  /** A data message has begun, and not ended. */
  get isInMessage(): boolean {
    return this.#isInMessage || this.#isInFrame;
  }

  /** The bytes at the end of the last push that belong to a frame which was told to nobody. */
  get untold(): number {
    return this.#unitBytes;
  }

  /**
   * Returns where it has stopped: at the end, unless the receiver said so. Throws a `FrameError`; nothing may be
   * pushed after it. What comes after a close frame is dropped.
   */
  push(chunk: Buffer, from = 0): number {
    let at = from;
    while (at < chunk.length && !this.#isClosed) {
      if (!this.#isInFrame) {
        at = this.#readUnit(chunk, at);
        if (!this.#isInFrame) continue;
      }
      const to = Math.min(chunk.length, at + this.#left);
      if (to > at) this.#readPayload(chunk, at, to);
      at = to;
      if (this.#left === 0 && !this.#endFrame(at)) return at;
    }
    return chunk.length;
  }

  /** A header with what must be known at once: the payload of a control frame. Returns where it ends. */
  #readUnit(chunk: Buffer, at: number): number {
    if (this.#unitBytes === 0) {
      const length = this.#unitLength(chunk, at, chunk.length - at);
      if (chunk.length - at >= length) {
        this.#begin(chunk, at, at, at + length, undefined);
        return at + length;
      }
    }
    return this.#gatherUnit(chunk, at);
  }

  /** The same for one that comes in several pieces. */
  #gatherUnit(chunk: Buffer, from: number): number {
    this.#unit ??= Buffer.allocUnsafeSlow(unitBytesMax);
    const unit = this.#unit;
    const before = this.#unitBytes;
    let at = from;
    while (at < chunk.length) {
      const length = this.#unitLength(unit, 0, this.#unitBytes);
      const taken = chunk.copy(unit, this.#unitBytes, at, at + length - this.#unitBytes);
      this.#unitBytes += taken;
      at += taken;
      if (this.#unitBytes >= this.#unitLength(unit, 0, this.#unitBytes)) {
        this.#unitBytes = 0;
        this.#begin(unit, 0, from, at, Buffer.from(unit.subarray(0, before)));
        break;
      }
    }
    return at;
  }

  /** The length of the unit, as far as the first `have` bytes of it tell. Throws where they are wrong already. */
  #unitLength(bytes: Buffer, at: number, have: number): number {
    if (have < 2) return 2;
    const first = bytes[at] as number;
    const second = bytes[at + 1] as number;
    this.#check(first, second);
    const length = second & 0x7f;
    const header = 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (this.#options.isMasked ? 4 : 0);
    return isControl(first) ? header + length : header;
  }

  #check(first: number, second: number): void {
    const { isMasked, extensions } = this.#options;
    const code = first & 0x0f;
    const isData = code <= opcode.binary;
    if (!isData && (code < opcode.close || code > opcode.pong))
      throw new FrameError(1002, `The opcode ${code} is reserved.`);
    const allowed =
      extensions === 'other' ? 0x70 : extensions === 'deflate' && isData && code !== 0 ? 0x40 : 0;
    if ((first & 0x70 & ~allowed) !== 0) throw new FrameError(1002, 'A reserved bit is set.');
    if (((second & 0x80) !== 0) !== isMasked)
      throw new FrameError(1002, `A frame is ${isMasked ? 'not masked' : 'masked'}.`);
    if (!isData) {
      if ((first & 0x80) === 0) throw new FrameError(1002, 'A control frame is fragmented.');
      if ((second & 0x7f) > controlBytesMax) throw new FrameError(1002, 'A control frame is too long.');
      if (code === opcode.close && (second & 0x7f) === 1)
        throw new FrameError(1002, 'A close frame has a payload of one byte.');
    } else if (code === opcode.continuation && !this.#isInMessage) {
      throw new FrameError(1002, 'A frame continues a message that has not begun.');
    } else if (code !== opcode.continuation && this.#isInMessage) {
      throw new FrameError(1002, 'A message begins within another one.');
    }
  }

  /** A whole unit: it stands in `bytes` at `start`, and its part in the pushed bytes goes from `from` to `to`. */
  #begin(bytes: Buffer, start: number, from: number, to: number, before: Buffer | undefined): void {
    const first = bytes[start] as number;
    const code = first & 0x0f;
    let length = (bytes[start + 1] as number) & 0x7f;
    let at = start + 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      // Larger numbers lose their last digits, and are too large by far.
      length = bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
      at += 8;
    }
    if (this.#options.isMasked) {
      for (let i = 0; i < 4; i += 1) this.#mask[i] = bytes[at + i] as number;
      at += 4;
    }
    this.#offset = 0;
    if (isControl(code)) this.#control(code, bytes, at, length, from, to, before);
    else this.#beginFrame(first, length, from, before);
  }

  #control(
    code: number,
    bytes: Buffer,
    at: number,
    length: number,
    from: number,
    to: number,
    before: Buffer | undefined,
  ): void {
    const payload = this.#options.isMasked
      ? this.#unmask(bytes, at, at + length)
      : bytes.subarray(at, at + length);
    if (code === opcode.close) {
      readClose(payload);
      this.#isClosed = true;
    }
    this.#receiver.onControl(code, payload, from, to, before);
  }

  #beginFrame(first: number, length: number, from: number, before: Buffer | undefined): void {
    const { extensions, messageBytesMax } = this.#options;
    const frame = this.#frame;
    frame.isFirst = !this.#isInMessage;
    frame.isFinal = (first & 0x80) !== 0;
    if (frame.isFirst) {
      this.#messageBytes = 0;
      frame.isBinary = (first & 0x0f) === opcode.binary;
      frame.isPlain = extensions !== 'other' && (first & 0x40) === 0;
      this.#text.begin();
    }
    this.#messageBytes += length;
    if (this.#messageBytes > messageBytesMax)
      throw new FrameError(1009, `A message is larger than ${messageBytesMax} bytes.`);
    this.#isInMessage = true;
    this.#isInFrame = true;
    this.#left = length;
    this.#isWanted = this.#receiver.onFrame(frame, from, before);
  }

  #readPayload(chunk: Buffer, from: number, to: number): void {
    const { isBinary, isPlain } = this.#frame;
    const isText = isPlain && !isBinary;
    this.#left -= to - from;
    if (!isText && !this.#isWanted) {
      this.#offset += to - from;
      return;
    }
    for (let at = from; at < to; ) {
      const end = this.#options.isMasked ? Math.min(to, at + scratch.length) : to;
      const clear = this.#options.isMasked ? this.#unmask(chunk, at, end) : chunk.subarray(at, end);
      this.#offset += end - at;
      at = end;
      if (isText && !this.#text.push(clear)) throw notUtf8();
      if (this.#isWanted) this.#receiver.onPayload(clear);
    }
  }

  #endFrame(to: number): boolean {
    const { isFinal, isBinary, isPlain } = this.#frame;
    if (isFinal && isPlain && !isBinary && !this.#text.isWhole) throw notUtf8();
    this.#isInFrame = false;
    if (isFinal) this.#isInMessage = false;
    return this.#receiver.onFrameEnd(this.#frame, to);
  }

  #unmask(bytes: Buffer, from: number, to: number): Buffer {
    bytes.copy(scratch, 0, from, to);
    const clear = scratch.subarray(0, to - from);
    applyMask(clear, this.#mask, this.#offset);
    return clear;
  }
}

function notUtf8(): FrameError {
  return new FrameError(1007, 'A text message is not valid UTF-8.');
}
