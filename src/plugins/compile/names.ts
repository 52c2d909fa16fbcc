/** Names for generated code that occur nowhere in the code that they are put into. */
export class Names {
  readonly #prefix: string;

  constructor(code: string) {
    this.#prefix = freePrefix(code);
  }

  get defaultExport(): string {
    return `${this.#prefix}_default`;
  }

  module(index: number): string {
    return `${this.#prefix}_${index}`;
  }

  /** A name as long as `import`, the same for the same file. */
  sixChars(taken: Map<string, string>, file: string): { text: string; isNew: boolean } {
    return this.#numbered(taken, file, '', 6);
  }

  /** A name as long as `import.meta`, the same for the same file. */
  elevenChars(taken: Map<string, string>, file: string): { text: string; isNew: boolean } {
    return this.#numbered(taken, file, 'm', 11);
  }

  #numbered(taken: Map<string, string>, file: string, kind: string, length: number) {
    const known = taken.get(file);
    if (known) return { text: known, isNew: false };
    const head = this.#prefix + kind;
    const text = head + taken.size.toString(36).padStart(length - head.length, '0');
    taken.set(file, text);
    return { text, isNew: true };
  }
}

/** Two characters are enough but for code that somebody made short by a tool. */
function freePrefix(code: string): string {
  for (let round = 0; ; round++) {
    for (const letter of 'abcdefghijklmnopqrstuvwxyz') {
      const prefix = `$${letter}${round === 0 ? '' : round}`;
      if (!code.includes(prefix)) return prefix;
    }
  }
}
