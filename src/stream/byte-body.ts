import { isUtf8 } from 'node:buffer';
import type { Piece, ReplyBody } from './reply-body.ts';
import { type MessageContent, noContent } from './server-message.ts';

/** A larger one is cut: whoever reads messages has a limit for them, and its queries take turns. */
const pieceBytesMax = 256 * 1024;

/** Any body, in pieces, byte for byte. */
export class ByteBody implements ReplyBody {
  readonly sendsHeadFirst = true;
  readonly isDecoded = false;
  readonly rest: MessageContent = noContent;
  /** In order, none of them empty. A character that is not whole yet is the beginning of the first. */
  #waiting: Buffer[] = [];
  #hasEnded = false;

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  write(bytes: Buffer): boolean {
    if (bytes.length > 0) this.#waiting.push(bytes);
    return true;
  }

  end(): undefined {
    this.#hasEnded = true;
  }

  cut(): void {
    this.end();
  }

  next(bytesMax: number): Piece | undefined {
    const first = this.#first();
    if (!first) return undefined;
    const most = Math.min(bytesMax, pieceBytesMax);
    const bytes = first.subarray(0, most);
    const whole = bytes.subarray(0, bytes.length - unfinishedAtEnd(bytes));
    if (!isUtf8(whole)) return this.#take(first, bytes, { base64: bytes.toString('base64') });
    if (whole.length > 0) return this.#take(first, whole, { text: whole.toString() });
    // The rest of the character may still come, where there is room for it.
    const isLast = this.#waiting.length === 1 && first.length === bytes.length;
    if (isLast && !this.#hasEnded && bytesMax > bytes.length) return undefined;
    return this.#take(first, bytes, { base64: bytes.toString('base64') });
  }

  pause(): void {}

  resume(): void {}

  close(): void {
    this.#waiting = [];
    this.#hasEnded = true;
  }

  /** The first buffer; one that is the beginning of a character together with the next. */
  #first(): Buffer | undefined {
    const [first, second] = this.#waiting;
    if (!first || !second || unfinishedAtEnd(first) < first.length) return first;
    const both = Buffer.concat([first, second]);
    this.#waiting.splice(0, 2, both);
    return both;
  }

  #take(first: Buffer, taken: Buffer, content: MessageContent): Piece {
    if (taken.length === first.length) this.#waiting.shift();
    else this.#waiting[0] = first.subarray(taken.length);
    return { content, bytes: taken.length };
  }
}

/** How many bytes at the end are the beginning of a UTF-8 character (RFC 3629 §3). */
export function unfinishedAtEnd(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0b1100_0000) === 0b1000_0000) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
