import { isJsonObject, type JsonObject } from '../../wire/json.ts';
import type { Message, Part } from './content.ts';
import { cutText } from './cut-text.ts';

/**
 * Shortens values until their JSON has no more characters than there is room for. Texts lose their ends, lists and
 * objects what comes last; what is left is whole JSON. A value that needs none of that stays as it is.
 */
export class Fitting {
  #left: number;
  #isCut = false;

  constructor(charsMax: number) {
    this.#left = charsMax;
  }

  get left(): number {
    return this.#left;
  }

  /** Something was left out. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** As many as there is room for, from the first on. A message loses parts before it is left out itself. */
  messages<M extends Message>(messages: readonly M[]): M[] {
    return this.#list(messages, (message) => this.#message(message, (parts) => this.#parts(parts)));
  }

  /** The same from the last on: of a long conversation the newest is asked for. */
  newestMessages<M extends Message>(messages: readonly M[]): M[] {
    const fitted = this.#list(messages.toReversed(), (message) =>
      this.#message(message, (parts) => this.#parts(parts.toReversed()).reverse()),
    );
    return fitted.reverse();
  }

  /** Those that keep all of their members, however short. */
  parts<P extends object>(parts: readonly P[]): P[] {
    return this.#list(parts, (part) => this.#part(part));
  }

  #message<M extends Message>(message: M, fit: (parts: readonly Part[]) => Part[]): M | undefined {
    if (!this.#spend(JSON.stringify({ ...message, parts: [] }).length)) return undefined;
    const parts = fit(message.parts);
    return parts.length === 0 && message.parts.length > 0 ? undefined : { ...message, parts };
  }

  /** Whose brackets are paid for. */
  #parts(parts: readonly Part[]): Part[] {
    return this.#items(parts, (part) => this.#part(part));
  }

  #part<P extends object>(part: P): P | undefined {
    const fitted = this.#value(part);
    const isWhole = isJsonObject(fitted) && Object.keys(fitted).length === countKnown(part);
    // It has the same members, and they the same types.
    return isWhole ? (fitted as P) : undefined;
  }

  #list<T, U>(items: readonly T[], fit: (item: T) => U | undefined): U[] {
    return this.#spend('[]'.length) ? this.#items(items, fit) : [];
  }

  /** Items until one has no room. */
  #items<T, U>(items: readonly T[], fit: (item: T) => U | undefined): U[] {
    const fitted: U[] = [];
    for (const item of items) {
      const before = this.#left;
      const one = this.#spend(fitted.length > 0 ? 1 : 0) ? fit(item) : undefined;
      if (one === undefined) {
        this.#left = before;
        this.#isCut = true;
        break;
      }
      fitted.push(one);
    }
    return fitted;
  }

  #value(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (Array.isArray(value)) {
      return this.#spend('[]'.length) ? this.#items(value, (item) => this.#value(item)) : undefined;
    }
    if (isJsonObject(value)) return this.#object(value);
    const json = JSON.stringify(value) as string | undefined;
    return json !== undefined && this.#spend(json.length) ? value : undefined;
  }

  #object(object: JsonObject): JsonObject | undefined {
    if (!this.#spend('{}'.length)) return undefined;
    const members: [string, unknown][] = [];
    for (const key in object) {
      const member = object[key];
      if (member === undefined) continue;
      const before = this.#left;
      const comma = members.length > 0 ? 1 : 0;
      const value = this.#spend(comma + JSON.stringify(key).length + 1) ? this.#value(member) : undefined;
      if (value === undefined) {
        this.#left = before;
        this.#isCut = true;
        break;
      }
      members.push([key, value]);
    }
    // Not by assignment: `__proto__` is a key like any other here.
    return Object.fromEntries(members);
  }

  #text(text: string): string | undefined {
    if (this.#left < '""'.length) {
      this.#isCut = true;
      return undefined;
    }
    let kept = cutText(text, this.#left - '""'.length);
    let length = JSON.stringify(kept).length;
    // JSON needs up to six characters for one.
    while (length > this.#left) {
      kept = cutText(kept, Math.floor((kept.length * this.#left) / length) - 1);
      length = JSON.stringify(kept).length;
    }
    if (kept.length < text.length) this.#isCut = true;
    this.#left -= length;
    return kept;
  }

  #spend(chars: number): boolean {
    if (chars > this.#left) {
      this.#isCut = true;
      return false;
    }
    this.#left -= chars;
    return true;
  }
}

function countKnown(object: object): number {
  return Object.values(object).filter((value) => value !== undefined).length;
}
