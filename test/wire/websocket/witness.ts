import { FrameError } from '../../../src/wire/websocket/frame-error.ts';
import {
  type DataFrame,
  FrameParser,
  type FrameParserOptions,
  type FrameReceiver,
} from '../../../src/wire/websocket/frame-parser.ts';

/** What a parser has told: messages and control frames in clear, and the bytes of whole frames as they came. */
export class Witness implements FrameReceiver {
  readonly events: (readonly [kind: string, payload: string])[] = [];
  readonly frames: string[] = [];
  readonly #parser: FrameParser;
  readonly #wantsPayload: boolean;
  #chunk: Buffer = Buffer.alloc(0);
  #payload: Buffer[] = [];
  #raw: Buffer[] = [];
  #from = 0;
  closeCode: number | undefined;

  constructor(options: FrameParserOptions, wantsPayload = true) {
    this.#parser = new FrameParser(options, this);
    this.#wantsPayload = wantsPayload;
  }

  get parser(): FrameParser {
    return this.#parser;
  }

  /** False when the parser has refused it, now or before. */
  push(chunk: Buffer): boolean {
    if (this.closeCode !== undefined) return false;
    this.#chunk = chunk;
    this.#from = 0;
    try {
      const stoppedAt = this.#parser.push(chunk);
      if (this.#parser.isInFrame) this.#raw.push(chunk.subarray(this.#from, stoppedAt));
      return true;
    } catch (thrown) {
      if (!(thrown instanceof FrameError)) throw thrown;
      this.closeCode = thrown.closeCode;
      return false;
    }
  }

  onFrame(_frame: DataFrame, from: number, before: Buffer | undefined): boolean {
    this.#raw = before ? [before] : [];
    this.#from = from;
    return this.#wantsPayload;
  }

  onPayload(clear: Buffer): void {
    this.#payload.push(Buffer.from(clear));
  }

  onFrameEnd({ isFinal, isBinary, isPlain }: DataFrame, to: number): boolean {
    this.frames.push(Buffer.concat([...this.#raw, this.#chunk.subarray(this.#from, to)]).toString('hex'));
    this.#raw = [];
    if (!isFinal) return true;
    const kind = `${isPlain ? '' : 'changed '}${isBinary ? 'binary' : 'text'}`;
    this.events.push([kind, Buffer.concat(this.#payload).toString('hex')]);
    this.#payload = [];
    return true;
  }

  onControl(code: number, payload: Buffer, from: number, to: number, before: Buffer | undefined): void {
    this.frames.push(
      Buffer.concat([before ?? Buffer.alloc(0), this.#chunk.subarray(from, to)]).toString('hex'),
    );
    const kind = { 8: 'close', 9: 'ping', 10: 'pong' }[code] ?? 'unknown';
    this.events.push([kind, payload.toString('hex')]);
  }
}
