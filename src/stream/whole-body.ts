import { isUtf8 } from 'node:buffer';
import { SightlineError } from '../errors.ts';
import { createContentDecoder } from '../wire/content-decoder.ts';
import { parseJsonObject } from '../wire/json.ts';
import type { Piece, ReplyBody } from './reply-body.ts';
import { type MessageContent, noContent } from './server-message.ts';

/** A body that goes whole into the `response`. */
export class WholeBody implements ReplyBody {
  readonly sendsHeadFirst = false;
  readonly isWaiting = false;
  readonly #encoding: string | undefined;
  readonly #bytesMax: number;
  #pieces: Buffer[] = [];
  #bytes = 0;
  isDecoded = false;
  rest: MessageContent = noContent;

  constructor(encoding: string | undefined, bytesMax: number) {
    this.#encoding = encoding;
    this.#bytesMax = bytesMax;
  }

  write(bytes: Buffer): boolean {
    this.#bytes += bytes.length;
    if (this.#bytes > this.#bytesMax) {
      throw new SightlineError('reply_too_large', {
        message: `The reply is larger than ${this.#bytesMax} bytes, which is what one message may have of it; ask for it with reply: "bytes".`,
      });
    }
    this.#pieces.push(bytes);
    return true;
  }

  end(): Promise<void> | undefined {
    const raw = Buffer.concat(this.#pieces);
    if (raw.length === 0) return undefined;
    this.#pieces = [];
    if (this.#encoding !== undefined) return this.#decode(raw, this.#encoding);
    this.rest = contentOf(raw);
    return undefined;
  }

  cut(): void {}

  next(): Piece | undefined {
    return undefined;
  }

  pause(): void {}

  resume(): void {}

  close(): void {
    this.#pieces = [];
    this.rest = noContent;
  }

  /** What cannot be decoded goes as it came: its headers say what it is. */
  async #decode(raw: Buffer, encoding: string): Promise<void> {
    const pieces: Buffer[] = [];
    let hasFailed = false;
    const decoder = createContentDecoder(encoding, {
      onData: (piece) => pieces.push(piece),
      onError: () => {
        hasFailed = true;
      },
      decodedBytesMax: this.#bytesMax,
      queueBytesMax: raw.length,
    });
    decoder?.push(raw);
    await decoder?.end();
    this.isDecoded = decoder !== undefined && !hasFailed;
    this.rest = this.isDecoded ? contentOf(Buffer.concat(pieces)) : bytesOf(raw);
  }
}

function contentOf(bytes: Buffer): MessageContent {
  if (!isUtf8(bytes)) return bytesOf(bytes);
  const text = bytes.toString();
  return parseJsonObject(text) ? { body: text } : { text };
}

function bytesOf(bytes: Buffer): MessageContent {
  return { base64: bytes.toString('base64') };
}
