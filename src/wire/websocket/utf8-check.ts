import { isUtf8 } from 'node:buffer';

/** Checks UTF-8 that comes in pieces, which may break anywhere (RFC 6455 §8.1). */
export class Utf8Check {
  /** The beginning of a character whose end has not come. */
  readonly #begun = Buffer.alloc(4);
  #have = 0;
  #need = 0;

  /** For the next text. */
  begin(): void {
    this.#have = 0;
  }

  /** False where it cannot be the beginning of a text. A character that is not whole is judged when it is. */
  push(piece: Buffer): boolean {
    let from = 0;
    while (this.#have > 0 && from < piece.length) {
      this.#begun[this.#have] = piece[from] as number;
      this.#have += 1;
      from += 1;
      if (this.#have < this.#need) continue;
      if (!isUtf8(this.#begun.subarray(0, this.#need))) return false;
      this.#have = 0;
    }
    const to = this.#keepUnfinished(piece, from);
    return from >= to || isUtf8(from === 0 && to === piece.length ? piece : piece.subarray(from, to));
  }

  /** No character is unfinished. */
  get isWhole(): boolean {
    return this.#have === 0;
  }

  /** Keeps a character that has begun at the end of the piece; returns where it begins. */
  #keepUnfinished(piece: Buffer, from: number): number {
    for (let back = 1; back <= 3 && piece.length - back >= from; back += 1) {
      const at = piece.length - back;
      const byte = piece[at] as number;
      if ((byte & 0xc0) === 0x80) continue;
      const need = charLength(byte);
      if (need <= back) break;
      this.#need = need;
      this.#have = piece.copy(this.#begun, 0, at);
      return at;
    }
    return piece.length;
  }
}

/** Bytes of a character, by its first one; 0 where none begins so. */
function charLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}
