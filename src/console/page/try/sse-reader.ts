import type { SseEvent } from '../../../wire/sse-event.ts';

/** Characters of one event; what is longer is left out, and counted. */
const eventCharsMax = 4_000_000;

/**
 * Reads a `text/event-stream` from its bytes, however they are cut: within a character, a line end, an event.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export class SseReader {
  readonly #decoder = new TextDecoder();
  /** Of the line that has not ended. */
  #line = '';
  /** The last character was a CR: an LF after it belongs to it. */
  #isAfterCr = false;
  #event = '';
  #data: string | undefined;
  #heldChars = 0;
  #isTooLong = false;
  #skipped = 0;

  /** Events that were longer than anybody reads. */
  get skipped(): number {
    return this.#skipped;
  }

  /** The events that these bytes complete. One without its blank line at the end of the stream is none. */
  push(bytes: Uint8Array): SseEvent[] {
    const text = this.#decoder.decode(bytes, { stream: true });
    const events: SseEvent[] = [];
    let start = this.#isAfterCr && text.startsWith('\n') ? 1 : 0;
    if (text !== '') this.#isAfterCr = text.endsWith('\r');
    for (;;) {
      const end = lineBreak(text, start);
      if (end < 0) break;
      this.#take(text.slice(start, end));
      start = text.startsWith('\r\n', end) ? end + 2 : end + 1;
      const event = this.#endLine();
      if (event) events.push(event);
    }
    this.#take(text.slice(start));
    return events;
  }

  #take(piece: string): void {
    if (piece === '') return;
    this.#heldChars += piece.length;
    if (this.#heldChars <= eventCharsMax) {
      this.#line += piece;
      return;
    }
    if (!this.#isTooLong) this.#skipped += 1;
    this.#isTooLong = true;
    this.#data = undefined;
    // Not empty: the end of this line is not the end of the event.
    this.#line = ':';
  }

  #endLine(): SseEvent | undefined {
    const line = this.#line;
    this.#line = '';
    if (line !== '') {
      if (!this.#isTooLong) this.#readField(line);
      return undefined;
    }
    const event = this.#data === undefined ? undefined : { event: this.#event, data: this.#data };
    this.#event = '';
    this.#data = undefined;
    this.#heldChars = 0;
    this.#isTooLong = false;
    return event;
  }

  #readField(line: string): void {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    else if (name === 'event') this.#event = value;
  }
}

function lineBreak(text: string, start: number): number {
  for (let index = start; index < text.length; index += 1)
    if (text[index] === '\n' || text[index] === '\r') return index;
  return -1;
}
