import type { JsonObject } from '../../wire/json.ts';
import { label } from '../payload.ts';
import type { Part } from './content.ts';
import { itemParts } from './openai-items.ts';
import type { Room } from './room.ts';

interface Piece {
  readonly type: string;
  text: string;
}

/** One item of a reply, put together as the API would send it as a whole. */
export class ResponseItem {
  readonly #room: Room;
  #head: JsonObject = {};
  /** Those with parts of their own, in their order: `content` and `summary`. */
  readonly #lists = { content: new Map<number, Piece>(), summary: new Map<number, Piece>() };
  /** The others: `arguments`, `input`, `code`. */
  readonly #texts = new Map<string, string>();
  #taken = 0;
  #whole: readonly Part[] | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  /** The item as it begins, or as a whole: then it is that. */
  note(item: JsonObject | undefined, isWhole: boolean): void {
    if (item === undefined) return;
    const { type, id, call_id, name } = item;
    this.#head = { type: label(type), id: label(id), call_id: label(call_id), name: label(name) };
    if (!isWhole || this.#room.isExceeded) return;
    this.#room.giveBack(this.#taken);
    const before = this.#room.left;
    this.#whole = itemParts(item).flatMap((part) => this.#room.keep(part) ?? []);
    this.#taken = before - this.#room.left;
  }

  /** A piece of a text of this kind, which may stand in a list. */
  add(type: string, kind: string, position: number, piece: string): void {
    if (kind === 'content' || kind === 'summary') this.#addToList(this.#lists[kind], type, position, piece);
    else this.#texts.set(kind, (this.#texts.get(kind) ?? '') + this.#take(piece));
  }

  parts(): readonly Part[] {
    if (this.#whole !== undefined) return this.#whole;
    const { content, summary } = this.#lists;
    return itemParts({
      ...this.#head,
      content: inOrder(content).map(contentOf),
      summary: inOrder(summary).map(contentOf),
      ...Object.fromEntries(this.#texts),
    });
  }

  #addToList(pieces: Map<number, Piece>, type: string, position: number, piece: string): void {
    let known = pieces.get(position);
    if (known === undefined) {
      if (!this.#room.open()) return;
      known = { type, text: '' };
      pieces.set(position, known);
    }
    known.text += this.#take(piece);
  }

  #take(piece: string): string {
    const kept = this.#room.take(piece);
    this.#taken += kept.length;
    return kept;
  }
}

function inOrder(pieces: ReadonlyMap<number, Piece>): Piece[] {
  return [...pieces].sort(([a], [b]) => a - b).map(([, piece]) => piece);
}

/** As the part that the pieces are of. */
function contentOf({ type, text }: Piece): JsonObject {
  if (type === 'response.refusal.delta') return { type: 'refusal', refusal: text };
  return { type: type.startsWith('response.reasoning') ? 'reasoning_text' : 'output_text', text };
}
