/** What a key does, with words for the list of keys where it has any. */
export interface KeyAction {
  readonly label: string;
  readonly run: () => void;
}

/** By `event.key`, or several one after the other: `/`, `Escape`, `g l`. */
export type KeyMap = Readonly<Record<string, (() => void) | KeyAction>>;

/** So long one may think between two keys of a sequence. */
const pauseMsMax = 1_200;

/** Which keys do what now. Whoever came last goes first; a sequence that has begun goes before single keys. */
export class KeyBindings {
  readonly #maps: (() => KeyMap)[] = [];
  #begun = '';
  #begunAt = 0;

  /** Returns its remover. The map is read at each key. */
  add(map: () => KeyMap): () => void {
    this.#maps.push(map);
    return () => {
      const index = this.#maps.indexOf(map);
      if (index >= 0) this.#maps.splice(index, 1);
    };
  }

  /** Runs what a key stands for. True where it stood for something, or may begin a sequence. `at` in ms. */
  press(key: string, at: number): boolean {
    const before = at - this.#begunAt <= pauseMsMax ? this.#begun : '';
    this.#begun = '';
    return (before !== '' && this.#take(`${before} ${key}`, at)) || this.#take(key, at);
  }

  /** Those with words, of whoever came last first. */
  labelled(): { readonly keys: string; readonly label: string }[][] {
    return this.#maps
      .toReversed()
      .map((map) =>
        Object.entries(map()).flatMap(([keys, action]) =>
          typeof action === 'function' ? [] : [{ keys, label: action.label }],
        ),
      );
  }

  #take(keys: string, at: number): boolean {
    const maps = this.#maps.map((map) => map()).reverse();
    const bound = maps.find((map) => Object.hasOwn(map, keys))?.[keys];
    if (bound) {
      if (typeof bound === 'function') bound();
      else bound.run();
      return true;
    }
    if (!maps.some((map) => Object.keys(map).some((other) => other.startsWith(`${keys} `)))) return false;
    this.#begun = keys;
    this.#begunAt = at;
    return true;
  }
}
