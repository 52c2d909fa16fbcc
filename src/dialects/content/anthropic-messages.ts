import { asJsonObject, isJsonObject, type JsonObject } from '../../wire/json.ts';
import { count, label, list } from '../payload.ts';
import { unfinished } from '../reply-facts.ts';
import { AnthropicBlock } from './anthropic-block.ts';
import { anthropicPart, anthropicParts } from './anthropic-parts.ts';
import type { DialectContent, OutputCollector, OutputMessage } from './content.ts';
import { toolDefinitions } from './parts.ts';
import type { Room } from './room.ts';

export const anthropicContent: DialectContent = {
  readInput: (payload) => ({
    messages: list(payload.messages)
      .filter(isJsonObject)
      .map(({ role, content }) => ({ role: label(role) ?? 'unknown', parts: anthropicParts(content) })),
    systemInstructions: anthropicParts(payload.system),
    toolDefinitions: toolDefinitions(payload.tools),
  }),
  collect: (room) => new AnthropicCollector(room),
};

/** A reply is one message, whose blocks stream one after the other. */
class AnthropicCollector implements OutputCollector {
  readonly #room: Room;
  readonly #blocks = new Map<number, AnthropicBlock>();
  #finishReason: string | undefined;
  #hasBegun = false;

  constructor(room: Room) {
    this.#room = room;
  }

  event(payload: JsonObject): void {
    const index = count(payload.index) ?? 0;
    switch (payload.type) {
      case 'message_start':
        this.#hasBegun = true;
        break;
      case 'content_block_start':
        this.#begin(index, asJsonObject(payload.content_block));
        break;
      case 'content_block_delta': {
        const delta = asJsonObject(payload.delta);
        if (delta !== undefined) this.#blocks.get(index)?.add(delta);
        break;
      }
      case 'message_delta':
        this.#finishReason = label(asJsonObject(payload.delta)?.stop_reason) ?? this.#finishReason;
        break;
    }
  }

  whole(payload: JsonObject): void {
    this.#hasBegun = true;
    list(payload.content).forEach((block, index) => {
      this.#begin(index, asJsonObject(block));
    });
    this.#finishReason = label(payload.stop_reason);
  }

  messages(): OutputMessage[] {
    if (!this.#hasBegun && this.#blocks.size === 0) return [];
    const blocks = [...this.#blocks].sort(([a], [b]) => a - b);
    return [
      {
        role: 'assistant',
        parts: blocks.flatMap(([, block]) => block.parts()),
        finish_reason: this.#finishReason ?? unfinished,
      },
    ];
  }

  #begin(index: number, block: JsonObject | undefined): void {
    if (block === undefined || this.#blocks.has(index)) return;
    const part = this.#room.keep(anthropicPart(block));
    if (part !== undefined) this.#blocks.set(index, new AnthropicBlock(part, this.#room));
  }
}
