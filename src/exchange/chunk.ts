import type { JsonObject } from '../wire/json.ts';
import { deepFreeze, parseJsonObject } from '../wire/json.ts';
import { type SseEvent, serializeSseEvent } from '../wire/sse-event.ts';

/**
 * One event of a streamed reply, as middleware sees it. It never changes; `with` makes another one. One that
 * nobody replaced keeps its bytes.
 */
export class Chunk implements SseEvent {
  readonly event: string;
  readonly data: string;
  readonly id?: string;
  /** The stream's last one: the terminal event, or an empty one where the stream ended without. */
  readonly isFinal: boolean;
  readonly #raw: Buffer | undefined;
  #payload: JsonObject | undefined;
  #isParsed = false;

  constructor(event: SseEvent, raw?: Buffer, isFinal = false) {
    this.event = event.event;
    this.data = event.data;
    if (event.id !== undefined) this.id = event.id;
    this.isFinal = isFinal;
    this.#raw = raw;
  }

  /** The data as a JSON object, frozen; undefined where it is none (`[DONE]`). */
  get payload(): JsonObject | undefined {
    if (!this.#isParsed) {
      this.#isParsed = true;
      this.#payload = deepFreeze(parseJsonObject(this.data));
    }
    return this.#payload;
  }

  /** The same chunk with other data: `data` as text, or `payload` as JSON. */
  with(change: { data: string } | { payload: JsonObject }): Chunk {
    const data = 'payload' in change ? JSON.stringify(change.payload) : change.data;
    return new Chunk({ ...this, data }, undefined, this.isFinal);
  }

  /** The bytes to send; none for the empty one that ends a stream without a terminal event. */
  get bytes(): Buffer {
    if (this.#raw) return this.#raw;
    if (this.event === '' && this.data === '') return Buffer.alloc(0);
    return Buffer.from(serializeSseEvent(this));
  }
}
