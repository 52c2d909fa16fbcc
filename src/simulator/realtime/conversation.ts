import { isObject, type JsonObject, listOf, textOf } from '../json.ts';
import { Mistake, missing, unsupported } from './mistake.ts';

export type Item = JsonObject & { readonly id: string };

const itemTypes = [
  'message',
  'function_call',
  'function_call_output',
  'mcp_approval_response',
  'mcp_list_tools',
  'mcp_call',
];

/** What was said on a session so far, in order. */
export class Conversation {
  #items: readonly Item[] = [];

  get items(): readonly Item[] {
    return this.#items;
  }

  get lastId(): string | null {
    return this.#items.at(-1)?.id ?? null;
  }

  /** Throws a `Mistake`. */
  find(id: unknown): Item {
    const item = this.#items.find((one) => one.id === id);
    if (item) return item;
    if (textOf(id) === undefined) throw missing('item_id');
    throw new Mistake('item_not_found', `Item with item_id '${id}' does not exist.`, 'item_id');
  }

  /**
   * Behind `previous`; at the end where that is undefined, at the beginning where it is `root`. Returns the id
   * of the item before it. Throws a `Mistake`.
   */
  add(item: Item, previous?: unknown): string | null {
    const at = previous === undefined || previous === null ? this.#items.length : this.#after(previous);
    this.#items = this.#items.toSpliced(at, 0, item);
    return this.#items[at - 1]?.id ?? null;
  }

  /** The item as it is by now. One that was deleted meanwhile stays away. */
  replace(item: Item): void {
    this.#items = this.#items.map((one) => (one.id === item.id ? item : one));
  }

  delete(id: unknown): void {
    const gone = this.find(id);
    this.#items = this.#items.filter((one) => one !== gone);
  }

  #after(previous: unknown): number {
    if (previous === 'root') return 0;
    const at = this.#items.findIndex((one) => one.id === previous);
    if (at >= 0) return at + 1;
    const message = `Error adding item: the previous item with id '${String(previous)}' does not exist.`;
    throw new Mistake('item_create_invalid_previous_item_id', message, 'previous_item_id');
  }
}

/** The item of a `conversation.item.create`. Throws a `Mistake`. */
export function readItem(item: unknown, id: string): Item {
  if (!isObject(item)) throw missing('item');
  if (item.type === undefined) throw missing('item.type');
  if (!itemTypes.includes(String(item.type))) throw unsupported('item.type', item.type, itemTypes);
  if (item.type === 'message' && !Array.isArray(item.content)) throw missing('item.content');
  const { id: given, ...fields } = item;
  return { id: textOf(given) ?? id, object: 'realtime.item', status: 'completed', ...fields };
}

/** An item as a chat message: what the model would read of it. */
export function asMessage(item: unknown): JsonObject {
  if (!isObject(item)) return {};
  const { type, role, content, output, arguments: given } = item;
  if (type !== 'message') return { type, content: output ?? given };
  const texts = listOf(content).map((part) => (isObject(part) ? (part.text ?? part.transcript) : part));
  return { type, role, content: texts.filter((text) => typeof text === 'string') };
}
