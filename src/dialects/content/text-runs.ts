import type { Part } from './content.ts';
import type { Room } from './room.ts';

type Run = { readonly type: 'text' | 'reasoning' | 'refusal'; content: string };

/** Texts that come in pieces: each continues the one before it, where both are of the same type. */
export class TextRuns {
  readonly #room: Room;
  readonly #parts: Part[] = [];
  /** The last of them, where it is a text. */
  #open: Run | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  add(type: Run['type'], piece: string): void {
    if (piece === '') return;
    if (this.#open?.type === type) {
      this.#open.content += this.#room.take(piece);
    } else if (this.#room.open()) {
      this.#open = { type, content: this.#room.take(piece) };
      this.#parts.push(this.#open);
    }
  }

  /** Something between two texts. */
  other(part: Part): void {
    if (!this.#room.open()) return;
    this.#open = undefined;
    this.#parts.push(part);
  }

  get parts(): readonly Part[] {
    return this.#parts;
  }
}
