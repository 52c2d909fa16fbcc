import { asJsonObject, type JsonObject } from '../../wire/json.ts';
import { isPieceType, pieceSlot } from '../openai-piece.ts';
import { count, label, list, text } from '../payload.ts';
import { unfinished } from '../reply-facts.ts';
import { responseReason } from '../response-reason.ts';
import type { DialectContent, OutputCollector, OutputMessage } from './content.ts';
import { itemMessages } from './openai-items.ts';
import { contentParts } from './openai-parts.ts';
import { toolDefinitions } from './parts.ts';
import { ResponseItem } from './response-item.ts';
import type { Room } from './room.ts';

/** What came before and is only named (`previous_response_id`, `conversation`) is not here to be told. */
export const openaiResponsesContent: DialectContent = {
  readInput: (payload) => ({
    messages: itemMessages(payload.input),
    systemInstructions: contentParts(payload.instructions),
    toolDefinitions: toolDefinitions(payload.tools),
  }),
  collect: (room) => new ResponsesCollector(room, responseReason),
};

/** A reply is one message of the items in its `output`. A stream tells each in pieces, and then as a whole. */
export class ResponsesCollector implements OutputCollector {
  readonly #room: Room;
  readonly #reasonOf: (response: JsonObject) => string | undefined;
  readonly #items = new Map<number, ResponseItem>();
  #finishReason: string | undefined;
  #hasBegun = false;

  constructor(room: Room, reasonOf: (response: JsonObject) => string | undefined) {
    this.#room = room;
    this.#reasonOf = reasonOf;
  }

  event(payload: JsonObject): void {
    const index = count(payload.output_index) ?? 0;
    const { type } = payload;
    if (isPieceType(type)) this.#addPiece(payload, index);
    else if (type === 'response.output_item.added' || type === 'response.output_item.done')
      this.#item(index)?.note(asJsonObject(payload.item), type.endsWith('.done'));
    const response = asJsonObject(payload.response);
    if (response === undefined) return;
    // At its end it is told once more. Some backends tell it there only.
    if (this.#items.size === 0) this.whole(response);
    this.#finishReason = label(this.#reasonOf(response));
    this.#hasBegun = true;
  }

  whole(payload: JsonObject): void {
    list(payload.output).forEach((item, index) => {
      this.#item(index)?.note(asJsonObject(item), true);
    });
    this.#finishReason = label(this.#reasonOf(payload));
    this.#hasBegun = true;
  }

  messages(): OutputMessage[] {
    if (!this.#hasBegun && this.#items.size === 0) return [];
    const items = [...this.#items].sort(([a], [b]) => a - b);
    return [
      {
        role: 'assistant',
        parts: items.flatMap(([, item]) => item.parts()),
        finish_reason: this.#finishReason ?? unfinished,
      },
    ];
  }

  #addPiece(payload: JsonObject, index: number): void {
    // `item:INDEX:KIND`, and the position of a text that stands in a list.
    const [, , kind = '', position = '0'] = pieceSlot(payload)?.split(':') ?? [];
    const piece = text(payload.delta);
    if (piece === undefined) return;
    const place = kind === 'transcript' ? 'content' : kind;
    this.#item(index)?.add(text(payload.type) ?? '', place, Number(position), piece);
  }

  #item(index: number): ResponseItem | undefined {
    const known = this.#items.get(index);
    if (known !== undefined || !this.#room.open()) return known;
    const item = new ResponseItem(this.#room);
    this.#items.set(index, item);
    return item;
  }
}
