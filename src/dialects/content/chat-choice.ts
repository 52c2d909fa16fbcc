import { asJsonObject, isJsonObject, type JsonObject } from '../../wire/json.ts';
import { list, text } from '../payload.ts';
import { indexOf } from '../text-walk.ts';
import type { ChoiceContent } from './choices-collector.ts';
import type { Part } from './content.ts';
import { contentParts } from './openai-parts.ts';
import { blobPart, toolCallPart } from './parts.ts';
import type { Room } from './room.ts';
import { TextRuns } from './text-runs.ts';

interface Call {
  id: string | undefined;
  name: string | undefined;
  args: string;
}

/**
 * A message of the model: whole, or in the pieces of a stream (`delta`). Its kinds of content stand in an order of
 * their own, whichever came first: a whole message has none.
 */
export class ChatChoice implements ChoiceContent {
  readonly #room: Room;
  readonly #reasoning: TextRuns;
  readonly #said: TextRuns;
  readonly #refusal: TextRuns;
  readonly #spoken: TextRuns;
  #isSpoken = false;
  readonly #calls = new Map<number | string, Call>();

  constructor(room: Room) {
    this.#room = room;
    this.#reasoning = new TextRuns(room);
    this.#said = new TextRuns(room);
    this.#refusal = new TextRuns(room);
    this.#spoken = new TextRuns(room);
  }

  add(piece: JsonObject): void {
    this.#reasoning.add('reasoning', reasoningOf(piece));
    this.#addContent(piece.content);
    this.#refusal.add('refusal', text(piece.refusal) ?? '');
    this.#addAudio(asJsonObject(piece.audio));
    const calls = list(piece.tool_calls);
    for (let i = 0; i < calls.length; i += 1) {
      const call = calls[i];
      if (isJsonObject(call)) this.#addCall(call, indexOf(call, i));
    }
    const old = asJsonObject(piece.function_call);
    if (old !== undefined) this.#addToCall('function_call', undefined, old.name, old.arguments);
  }

  parts(): Part[] {
    return [
      ...this.#reasoning.parts,
      ...this.#said.parts,
      ...this.#refusal.parts,
      ...this.#spoken.parts,
      ...(this.#isSpoken ? [blobPart('audio', undefined, undefined)] : []),
      ...Array.from(this.#calls.values(), ({ id, name, args }) => toolCallPart(id, name, args)),
    ];
  }

  #addContent(content: unknown): void {
    if (typeof content === 'string') {
      this.#said.add('text', content);
      return;
    }
    for (const part of contentParts(content)) {
      const { type, content: said } = part;
      const isText = type === 'text' || type === 'reasoning' || type === 'refusal';
      if (isText && typeof said === 'string') this.#said.add(type, said);
      else this.#said.other(part);
    }
  }

  #addAudio(audio: JsonObject | undefined): void {
    if (audio === undefined) return;
    this.#isSpoken = true;
    this.#spoken.add('text', text(audio.transcript) ?? '');
  }

  #addCall(call: JsonObject, index: number): void {
    const id = text(call.id);
    const called = asJsonObject(call.function) ?? asJsonObject(call.custom);
    // Some backends leave out the index, and send each call as a whole.
    const taken = this.#calls.get(index);
    const isAnother = id !== undefined && taken?.id !== undefined && taken.id !== id;
    this.#addToCall(isAnother ? id : index, id, called?.name, called?.arguments ?? called?.input);
  }

  #addToCall(key: number | string, id: string | undefined, name: unknown, args: unknown): void {
    let call = this.#calls.get(key);
    if (call === undefined) {
      if (!this.#room.open()) return;
      call = { id: undefined, name: undefined, args: '' };
      this.#calls.set(key, call);
    }
    call.id ??= this.#taken(id);
    call.name ??= this.#taken(text(name));
    call.args += this.#taken(text(args)) ?? '';
  }

  #taken(piece: string | undefined): string | undefined {
    return piece === undefined ? undefined : this.#room.take(piece);
  }
}

/** The same under three names: DeepSeek's and vLLM's, and OpenRouter's two, which it sends both. */
function reasoningOf(piece: JsonObject): string {
  const plain = text(piece.reasoning_content) ?? text(piece.reasoning);
  if (plain !== undefined) return plain;
  return list(piece.reasoning_details)
    .map((item) => {
      const detail = asJsonObject(item);
      return text(detail?.text) ?? text(detail?.summary) ?? '';
    })
    .join('');
}
