import { asJsonObject, type JsonObject } from '../../wire/json.ts';
import { text } from '../payload.ts';
import type { Part } from './content.ts';
import { argumentsOf } from './parts.ts';
import type { Room } from './room.ts';

/** One block of a reply: a part as it began, and the pieces that came after. */
export class AnthropicBlock {
  readonly #start: Part;
  readonly #room: Room;
  #pieces = '';

  constructor(start: Part, room: Room) {
    this.#start = start;
    this.#room = room;
  }

  add(delta: JsonObject): void {
    const piece = text(delta.text) ?? text(delta.thinking) ?? text(delta.partial_json);
    if (piece !== undefined) this.#pieces += this.#room.take(piece);
  }

  /** None for a text that is empty. */
  parts(): Part[] {
    const part = this.#pieces === '' ? this.#start : this.#continued();
    return part.content === '' ? [] : [part];
  }

  #continued(): Part {
    const start = this.#start;
    switch (start.type) {
      case 'tool_call':
        return { ...start, arguments: argumentsOf(this.#pieces) };
      case 'server_tool_call': {
        const call = { ...asJsonObject(start.server_tool_call), input: argumentsOf(this.#pieces) };
        return { ...start, server_tool_call: call };
      }
      default:
        return { ...start, content: (text(start.content) ?? '') + this.#pieces };
    }
  }
}
