import { asJsonObject, isJsonObject, type JsonObject } from '../../wire/json.ts';
import { label, list } from '../payload.ts';
import { finishReasonsMax, unfinished } from '../reply-facts.ts';
import { indexOf } from '../text-walk.ts';
import type { OutputCollector, OutputMessage, Part } from './content.ts';
import type { Room } from './room.ts';

/** What one choice of a reply says, gathered from its pieces. */
export interface ChoiceContent {
  add(piece: JsonObject): void;
  parts(): readonly Part[];
}

interface Choice {
  readonly content: ChoiceContent;
  finishReason: string | undefined;
}

/** Chat and completions: a reply is a list of choices, and so is each event of a stream, with a piece of each. */
export class ChoicesCollector implements OutputCollector {
  readonly #create: () => ChoiceContent;
  readonly #room: Room;
  readonly #pieceOf: (choice: JsonObject) => unknown;
  readonly #choices = new Map<number, Choice>();

  /** `pieceOf`: where a choice has what was said. */
  constructor(create: () => ChoiceContent, room: Room, pieceOf: (choice: JsonObject) => unknown) {
    this.#create = create;
    this.#room = room;
    this.#pieceOf = pieceOf;
  }

  event(payload: JsonObject): void {
    const choices = list(payload.choices);
    for (let i = 0; i < choices.length; i += 1) {
      const choice = choices[i];
      if (isJsonObject(choice)) this.#add(choice, indexOf(choice, i));
    }
  }

  whole(payload: JsonObject): void {
    this.event(payload);
  }

  messages(): OutputMessage[] {
    return [...this.#choices]
      .sort(([a], [b]) => a - b)
      .map(([, { content, finishReason = unfinished }]) => ({
        role: 'assistant',
        parts: content.parts(),
        finish_reason: finishReason,
      }));
  }

  #add(choice: JsonObject, index: number): void {
    const known = this.#choices.get(index) ?? this.#begin(index);
    if (known === undefined) return;
    known.finishReason = label(choice.finish_reason) ?? known.finishReason;
    const piece = asJsonObject(this.#pieceOf(choice));
    if (piece !== undefined) known.content.add(piece);
  }

  #begin(index: number): Choice | undefined {
    if (index >= finishReasonsMax || !this.#room.open()) return undefined;
    const choice = { content: this.#create(), finishReason: undefined };
    this.#choices.set(index, choice);
    return choice;
  }
}
