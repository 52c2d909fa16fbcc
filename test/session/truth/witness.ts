import { createHash } from 'node:crypto';
import type { WebSocket } from 'ws';
import { objectOf, textOf } from '../../../src/simulator/json.ts';
import { type JsonObject, parseJsonObject } from '../../../src/wire/json.ts';

/** One response as its client got it. Times are readings of `performance.now()`. */
export interface Heard {
  outputs: number;
  firstOutputAt?: number;
  doneAt?: number;
}

export interface Asked {
  readonly at: number;
  readonly maxTokens: unknown;
}

/** Messages with output of the model, by the names of today and of the beta. */
const outputs = /^response\.(?:output_)?(?:text|audio|audio_transcript|function_call_arguments)\.delta$/;

/** What a client of a realtime session says and gets, and when. */
export class Witness {
  readonly socket: WebSocket;
  /** Messages that ask for turns, by their SHA-256. */
  readonly asks = new Map<string, Asked>();
  readonly responses = new Map<string, Heard>();
  said = 0;
  got = 0;
  /** Errors that name a message which asks for a turn, or can only be about one. */
  refusals = 0;
  readonly #eventIds = new Set<unknown>();

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => this.#hear(parseJsonObject(data.toString()) ?? {}));
  }

  say(...messages: readonly JsonObject[]): void {
    for (const message of messages) {
      const text = JSON.stringify(message);
      this.said += 1;
      if (message.type === 'response.create') {
        const maxTokens = objectOf(message.response).max_output_tokens;
        this.asks.set(createHash('sha256').update(text).digest('hex'), { at: performance.now(), maxTokens });
        if (message.event_id !== undefined) this.#eventIds.add(message.event_id);
      }
      this.socket.send(text);
    }
  }

  #hear(event: JsonObject): void {
    const at = performance.now();
    this.got += 1;
    const type = textOf(event.type) ?? '';
    if (type === 'error') this.#hearError(objectOf(event.error));
    const id = textOf(objectOf(event.response).id) ?? textOf(event.response_id);
    if (id === undefined) return;
    const heard = this.responses.get(id) ?? { outputs: 0 };
    this.responses.set(id, heard);
    if (outputs.test(type)) {
      heard.outputs += 1;
      heard.firstOutputAt ??= at;
    }
    if (type === 'response.done') heard.doneAt = at;
  }

  #hearError({ code, event_id }: JsonObject): void {
    if (code === 'conversation_already_has_active_response' || this.#eventIds.has(event_id))
      this.refusals += 1;
  }
}
