import { SightlineError } from '../errors.ts';
import type { SseEvent } from './sse-event.ts';

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;

/** A buffer that grew for one large event is not kept for the small ones after it. */
const heldBytesKept = 64 * 1024;

export interface SseParserOptions {
  /** The largest event, in bytes of the stream. */
  readonly eventBytesMax: number;
  /** For an observer: each event. One that is too large is skipped and counted. */
  onEvent?(event: SseEvent): void;
  /**
   * For whoever writes the stream on: every byte, in order, cut where it can be changed. A piece is one
   * event with its blank line, or bytes that belong to none (comments, blank lines, a lone `retry:`). As
   * nothing may be lost on this way, an event that is too large throws `reply_too_large`.
   */
  onPiece?(raw: Buffer, event: SseEvent | undefined): void;
}

/**
 * An incremental parser of `text/event-stream`: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 *
 * It looks for blank lines in the bytes and decodes a block of lines when it is whole, so a character that
 * is cut in two needs no care. What has arrived of an unfinished block is held in one growing buffer:
 * the work is linear, however small the chunks are.
 */
export class SseParser {
  readonly #options: SseParserOptions;
  #held: Buffer = Buffer.allocUnsafe(0);
  #heldBytes = 0;
  /** A block has begun in an earlier chunk … */
  #blockOpen = false;
  /** … and so has the line at its end. */
  #lineOpen = false;
  /** The open line is the first of its block, and a comment. */
  #commentOpen = false;
  /** The last byte was a CR: an LF after it belongs to it. */
  #afterCr = false;
  #skipping = false;
  #atStart = true;
  #skippedEvents = 0;

  constructor(options: SseParserOptions) {
    this.#options = options;
  }

  /** Events, or comments, that were larger than `eventBytesMax`. */
  get skippedEvents(): number {
    return this.#skippedEvents;
  }

  push(chunk: Buffer): void {
    let blockStart = 0;
    let lineStart = 0;
    if (this.#afterCr && chunk.length > 0) {
      this.#afterCr = false;
      if (chunk[0] === LF) {
        lineStart = 1;
        if (!this.#blockOpen) blockStart = this.#passOn(chunk, 0, 1);
      }
    }
    const hasCr = chunk.includes(CR);
    for (;;) {
      const lineEnd = hasCr ? lineBreak(chunk, lineStart) : chunk.indexOf(LF, lineStart);
      if (lineEnd === -1) break;
      const next = this.#afterBreak(chunk, lineEnd);
      if (lineEnd === lineStart && !this.#lineOpen) {
        blockStart = this.#finish(chunk, blockStart, next);
      } else if (this.#isComment(chunk, blockStart, lineStart)) {
        blockStart = this.#passOn(chunk, blockStart, next);
      }
      this.#lineOpen = false;
      this.#commentOpen = false;
      lineStart = next;
    }
    if (blockStart === chunk.length) return;
    if (lineStart < chunk.length) {
      this.#commentOpen = this.#isComment(chunk, blockStart, lineStart);
      this.#lineOpen = true;
    }
    this.#blockOpen = true;
    this.#hold(chunk, blockStart, chunk.length);
  }

  /**
   * The stream has ended. The standard drops an event without its blank line; the bytes of it, if there
   * are any, are the caller's to pass on.
   */
  end(): Buffer | undefined {
    const rest = this.#heldBytes === 0 ? undefined : Buffer.from(this.#held.subarray(0, this.#heldBytes));
    this.#forget();
    return rest;
  }

  #afterBreak(chunk: Buffer, lineEnd: number): number {
    const next = lineEnd + 1;
    if (chunk[lineEnd] === LF) return next;
    if (next === chunk.length) this.#afterCr = true;
    return chunk[next] === LF ? next + 1 : next;
  }

  /** A comment before the first field of a block: it belongs to no event and need not wait for one. */
  #isComment(chunk: Buffer, blockStart: number, lineStart: number): boolean {
    if (this.#blockOpen) return this.#commentOpen;
    return lineStart === blockStart && chunk[lineStart] === COLON;
  }

  /** Bytes up to `end` that are no event's. Returns where the next block begins. */
  #passOn(chunk: Buffer, start: number, end: number): number {
    this.#admit(chunk, start, end);
    if (!this.#skipping) {
      this.#options.onPiece?.(this.#blockOpen ? this.#heldCopy() : chunk.subarray(start, end), undefined);
    }
    this.#forget();
    return end;
  }

  /** A block ends at `end`, blank line included. Returns where the next one begins. */
  #finish(chunk: Buffer, start: number, end: number): number {
    this.#admit(chunk, start, end);
    if (!this.#skipping) {
      const lines = this.#blockOpen
        ? this.#held.toString('utf8', 0, this.#heldBytes)
        : chunk.toString('utf8', start, end);
      const event = readBlock(this.#atStart ? withoutMark(lines) : lines);
      if (event !== undefined) this.#options.onEvent?.(event);
      this.#options.onPiece?.(this.#blockOpen ? this.#heldCopy() : chunk.subarray(start, end), event);
    }
    this.#forget();
    return end;
  }

  /** The last bytes of a block: with what is held of it, or where all of it lies in this chunk, by themselves. */
  #admit(chunk: Buffer, start: number, end: number): void {
    if (this.#blockOpen) this.#hold(chunk, start, end);
    else if (end - start > this.#options.eventBytesMax) this.#overflow();
  }

  #hold(chunk: Buffer, start: number, end: number): void {
    if (this.#skipping) return;
    const bytes = this.#heldBytes + end - start;
    if (bytes > this.#options.eventBytesMax) {
      this.#overflow();
      return;
    }
    if (bytes > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(1024, bytes, this.#held.length * 2));
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    chunk.copy(this.#held, this.#heldBytes, start, end);
    this.#heldBytes = bytes;
  }

  #heldCopy(): Buffer {
    return Buffer.from(this.#held.subarray(0, this.#heldBytes));
  }

  #overflow(): void {
    if (this.#options.onPiece !== undefined) {
      throw new SightlineError('reply_too_large', {
        message: `An event of the stream is larger than ${this.#options.eventBytesMax} bytes, which is what a middleware may read.`,
      });
    }
    this.#skipping = true;
    this.#skippedEvents += 1;
    this.#heldBytes = 0;
  }

  #forget(): void {
    this.#blockOpen = false;
    this.#skipping = false;
    this.#atStart = false;
    this.#heldBytes = 0;
    if (this.#held.length > heldBytesKept) this.#held = Buffer.allocUnsafe(0);
  }
}

function lineBreak(chunk: Buffer, start: number): number {
  for (let i = start; i < chunk.length; i += 1) {
    const byte = chunk[i];
    if (byte === LF || byte === CR) return i;
  }
  return -1;
}

/** One leading byte order mark of the stream is no content. */
function withoutMark(lines: string): string {
  return lines.charCodeAt(0) === 0xfeff ? lines.slice(1) : lines;
}

function readBlock(block: string): SseEvent | undefined {
  const lines = block.includes('\r') ? block.replace(/\r\n?/g, '\n') : block;
  let event = '';
  let data: string | undefined;
  let id: string | undefined;
  for (let start = 0; start < lines.length; ) {
    const end = lines.indexOf('\n', start);
    if (lines.startsWith('data:', start)) {
      const value = fieldValue(lines, start + 5, end);
      data = data === undefined ? value : `${data}\n${value}`;
    } else if (lines.startsWith('event:', start)) {
      event = fieldValue(lines, start + 6, end);
    } else if (lines.startsWith('id:', start)) {
      const value = fieldValue(lines, start + 3, end);
      // The standard passes over an id with a NUL: it could not be sent back in a header.
      if (!value.includes('\0')) id = value;
    } else {
      // A line without a colon is a field with an empty value.
      const line = lines.slice(start, end);
      if (line === 'data') data = data === undefined ? '' : `${data}\n`;
      else if (line === 'event') event = '';
      else if (line === 'id') id = '';
    }
    start = end + 1;
  }
  if (data === undefined) return undefined;
  return id === undefined ? { event, data } : { event, data, id };
}

/** What follows the colon, less one space. */
function fieldValue(lines: string, start: number, end: number): string {
  return lines.slice(lines.charCodeAt(start) === 0x20 ? start + 1 : start, end);
}
