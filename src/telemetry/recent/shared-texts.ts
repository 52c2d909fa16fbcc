/** So many slots: paths, models, upstreams and tenants of any usual service find one each. */
const slots = 1_024;

/**
 * One copy of each text that comes again and again, and none of what it was cut from: V8 keeps a whole request target
 * alive as long as somebody holds its path. A text has one slot, which the next that falls on it takes over, so
 * that what clients make up costs a copy, and no memory.
 */
export class SharedTexts {
  readonly #charsMax: number;
  readonly #slots: string[] = new Array(slots).fill('');

  /** Longer texts are cut off at `charsMax`. */
  constructor(charsMax: number) {
    this.#charsMax = charsMax;
  }

  share(text: string): string;
  share(text: string | undefined): string | undefined;
  share(text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    const short = text.length > this.#charsMax ? text.slice(0, this.#charsMax) : text;
    const slot = slotOf(short);
    if (this.#slots[slot] !== short) this.#slots[slot] = copyOf(short);
    return this.#slots[slot];
  }
}

/** By its length, and what of it differs most often: its end. */
function slotOf(text: string): number {
  const { length } = text;
  let hash = length;
  for (let i = Math.max(0, length - 12); i < length; i += 1) hash = (hash * 31 + text.charCodeAt(i)) | 0;
  return hash & (slots - 1);
}

/** Half a character that was cut off, or that a client made up, becomes U+FFFD, as it would in any address. */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}
