import { type Answer, answerQuestion, type Question, type ToolCall } from '../answer.ts';
import type { JsonObject } from '../json.ts';
import { readToolChoice, readTools } from '../openai-chat.ts';
import { countCached, countPrompt, gatherText, lastUserText } from '../prompt.ts';
import type { Marks, Setting } from '../script.ts';
import { asMessage, type Conversation, type Item } from './conversation.ts';
import type { Order } from './settings.ts';
import { audioOf } from './tone.ts';
import type { Wire } from './wire.ts';

/** One event of a response, as it is sent. */
export interface ResponseEvent {
  readonly data: string;
  /** Carries text, audio, or a piece of a call's arguments. */
  readonly output: boolean;
  readonly marks?: Marks;
}

/** A moment between events: before a token, or before the last event. Here a response waits, and can be ended. */
export type Beat = 'token' | 'end';

/** Why a response ends before its time. */
export type Interruption =
  | { readonly status: 'cancelled'; readonly reason: 'client_cancelled' | 'turn_detected' }
  | { readonly status: 'failed'; readonly error: JsonObject };

export interface ResponseParts {
  /** As `response.created` tells it. */
  readonly begun: JsonObject & { readonly id: string };
  readonly model: string;
  readonly order: Order;
  readonly conversation: Conversation;
  /** Tokens of the audio that the model is given. */
  readonly audioTokens: number;
  readonly wire: Wire;
  readonly setting: Setting;
  nextItemId(): string;
}

/** The events of one response, in the order of the real API. It is told what it says as it is said. */
export class ResponseScript {
  /** Set between two events; what has been said until then is what the response ends with. */
  interruption: Interruption | undefined;
  readonly #parts: ResponseParts;
  readonly #answer: Answer;
  readonly #input: { readonly text: number; readonly audio: number };
  readonly #output: Item[] = [];
  #tokens = 0;

  constructor(parts: ResponseParts) {
    this.#parts = parts;
    const question = questionOf(parts);
    this.#answer = answerQuestion(question, parts.setting.seed, 0, parts.setting.wish);
    this.#input = { text: countPrompt(question.prompt), audio: parts.audioTokens };
  }

  *events(): Generator<ResponseEvent | Beat> {
    const { begun, model } = this.#parts;
    yield* this.#event('response.created', { response: begun }, { responseId: begun.id, model });
    const { toolCalls } = this.#answer;
    if (toolCalls.length === 0) yield* this.#message();
    for (const call of toolCalls) {
      if (this.interruption) break;
      yield* this.#call(call);
    }
    yield* this.#event('rate_limits.updated', { rate_limits: rateLimits(this.#tokens) });
    yield 'end';
    yield* this.#done();
  }

  *#message(): Generator<ResponseEvent | Beat> {
    const { order, wire } = this.#parts;
    const { modality } = order;
    const item = this.#begin({ type: 'message', status: 'in_progress', role: 'assistant', content: [] });
    yield* this.#added(item);
    const place = { ...this.#place(item), content_index: 0 };
    const empty = modality === 'text' ? { type: 'text', text: '' } : { type: 'audio', transcript: '' };
    yield* this.#event('response.content_part.added', { ...place, part: empty });

    let said = '';
    for (const delta of this.#answer.text) {
      yield 'token';
      if (this.interruption) break;
      said += delta;
      yield* modality === 'text' ? this.#text(place, delta) : this.#speech(place, delta);
      this.#tokens += 1;
    }
    if (modality === 'text') yield* this.#event('response.output_text.done', { ...place, text: said });
    else {
      yield* this.#event('response.output_audio.done', place);
      yield* this.#event('response.output_audio_transcript.done', { ...place, transcript: said });
    }
    const key = modality === 'text' ? 'text' : 'transcript';
    yield* this.#event('response.content_part.done', { ...place, part: { ...empty, [key]: said } });
    yield* this.#finish({ ...item, content: [wire.part(modality, said)] });
  }

  *#text(place: object, delta: string): Generator<ResponseEvent> {
    yield* this.#piece('response.output_text.delta', { ...place, delta });
  }

  *#speech(place: object, delta: string): Generator<ResponseEvent> {
    yield* this.#piece('response.output_audio_transcript.delta', { ...place, delta });
    yield* this.#piece('response.output_audio.delta', { ...place, delta: audioOf(this.#tokens) });
  }

  *#call({ id, name, argumentTokens }: ToolCall): Generator<ResponseEvent | Beat> {
    const call_id = `call_${id}`;
    const item = this.#begin({ type: 'function_call', status: 'in_progress', name, call_id, arguments: '' });
    yield* this.#added(item);
    const place = { ...this.#place(item), call_id };
    let said = '';
    for (const delta of argumentTokens) {
      yield 'token';
      if (this.interruption) break;
      said += delta;
      yield* this.#piece('response.function_call_arguments.delta', { ...place, delta });
      this.#tokens += 1;
    }
    yield* this.#event('response.function_call_arguments.done', { ...place, name, arguments: said });
    yield* this.#finish({ ...item, arguments: said });
  }

  #begin(fields: JsonObject): Item {
    return { id: this.#parts.nextItemId(), object: 'realtime.item', ...fields };
  }

  #place(item: Item): object {
    return { response_id: this.#parts.begun.id, item_id: item.id, output_index: this.#output.length };
  }

  *#added(item: Item): Generator<ResponseEvent> {
    const { conversation, order, begun } = this.#parts;
    const output_index = this.#output.length;
    yield* this.#event('response.output_item.added', { response_id: begun.id, output_index, item });
    if (order.isOutOfBand) return;
    const previous_item_id = conversation.add(item);
    yield* this.#event('conversation.item.added', { previous_item_id, item });
  }

  *#finish(said: Item): Generator<ResponseEvent> {
    const { conversation, order, begun } = this.#parts;
    const isWhole = !this.interruption && this.#answer.finish !== 'length';
    const item = { ...said, status: isWhole ? 'completed' : 'incomplete' };
    const output_index = this.#output.length;
    this.#output.push(item);
    if (!order.isOutOfBand) {
      conversation.replace(item);
      const at = conversation.items.findIndex(({ id }) => id === item.id);
      const previous_item_id = conversation.items[at - 1]?.id ?? null;
      yield* this.#event('conversation.item.done', { previous_item_id, item });
    }
    yield* this.#event('response.output_item.done', { response_id: begun.id, output_index, item });
  }

  *#done(): Generator<ResponseEvent> {
    const { begun } = this.#parts;
    const { status, details, reason } = this.#verdict();
    const { usage, marks } = status === 'failed' ? { usage: null, marks: {} } : this.#count();
    const response = { ...begun, status, status_details: details, output: this.#output, usage };
    yield* this.#event('response.done', { response }, { ...marks, finishReason: reason });
  }

  #verdict(): { readonly status: string; readonly details: object | null; readonly reason: string } {
    const { interruption } = this;
    if (interruption) {
      const { status, ...why } = interruption;
      const reason = interruption.status === 'cancelled' ? interruption.reason : status;
      return { status, details: { type: status, ...why }, reason };
    }
    if (this.#answer.finish !== 'length') return { status: 'completed', details: null, reason: 'completed' };
    const reason = 'max_output_tokens';
    return { status: 'incomplete', details: { type: 'incomplete', reason }, reason };
  }

  /** Each token of speech is heard and written down: it counts twice. */
  #count(): { readonly usage: object; readonly marks: Marks } {
    const { text, audio } = this.#input;
    const spoken = this.#parts.order.modality === 'audio' && this.#answer.toolCalls.length === 0;
    const heard = spoken ? this.#tokens : 0;
    const [input, output] = [text + audio, this.#tokens + heard];
    const cached = countCached(input);
    const totals = { total_tokens: input + output, input_tokens: input, output_tokens: output };
    return {
      usage: {
        ...totals,
        input_token_details: {
          text_tokens: text,
          audio_tokens: audio,
          image_tokens: 0,
          cached_tokens: cached,
          cached_tokens_details: { text_tokens: cached, audio_tokens: 0, image_tokens: 0 },
        },
        output_token_details: { text_tokens: this.#tokens, audio_tokens: heard },
      },
      marks: {
        usage: {
          ...totals,
          'input_token_details.text_tokens': text,
          'input_token_details.audio_tokens': audio,
          'input_token_details.cached_tokens': cached,
          'output_token_details.text_tokens': this.#tokens,
          'output_token_details.audio_tokens': heard,
        },
        tokens: { input, output, cacheRead: cached },
      },
    };
  }

  *#event(type: string, fields: object, marks?: Marks): Generator<ResponseEvent> {
    const data = this.#parts.wire.format(type, fields);
    if (data !== undefined) yield { data, output: false, ...(marks && { marks }) };
  }

  *#piece(type: string, fields: object): Generator<ResponseEvent> {
    const data = this.#parts.wire.format(type, fields);
    if (data !== undefined) yield { data, output: true };
  }
}

function questionOf({ model, order, conversation }: ResponseParts): Question {
  const items = order.input ?? conversation.items;
  const messages = items.map((item) => asMessage(findReferred(item, conversation)));
  const tools = readTools(order.tools);
  const texts = [
    order.instructions,
    gatherText(messages),
    tools.length > 0 ? JSON.stringify(order.tools) : '',
  ];
  return {
    model,
    prompt: texts.filter((text) => text !== '').join('\n'),
    lastUserText: lastUserText(messages),
    toolAnswered: messages.at(-1)?.type === 'function_call_output',
    tools,
    toolChoice: readToolChoice(order.toolChoice),
    parallelTools: true,
    maxTokens: order.maxTokens,
    stop: [],
    reasoning: 'none',
  };
}

/** An item of `response.input` may only name one of the conversation. */
function findReferred(item: unknown, { items }: Conversation): unknown {
  const { type, id } = (item ?? {}) as { readonly type?: unknown; readonly id?: unknown };
  return type === 'item_reference' ? items.find((one) => one.id === id) : item;
}

function rateLimits(tokens: number): readonly object[] {
  return [
    { name: 'requests', limit: 10_000, remaining: 9_999, reset_seconds: 0.006 },
    { name: 'tokens', limit: 40_000, remaining: Math.max(0, 40_000 - tokens), reset_seconds: 1.5 },
  ];
}
