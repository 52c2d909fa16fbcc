import { countOf, type JsonObject, objectOf, objectsOf, textOf } from './json.ts';

export type PieceKind = 'text' | 'reasoning' | 'tool';

/** A piece of what the model says. Pieces of one slot, in the order in which they come, are one text. */
export interface Piece {
  readonly slot: string;
  readonly kind: PieceKind;
  readonly text: string;
  /** Of a tool: its name, where this piece tells it. */
  readonly name?: string;
}

/**
 * What of the model's output an event, or a whole reply, carries: of OpenAI's chat, completions, responses and
 * embeddings, and of Anthropic's messages. They are told apart by their fields; what is none of these carries nothing.
 */
export function piecesOf(payload: JsonObject): Piece[] {
  if (Array.isArray(payload.choices)) return objectsOf(payload.choices).flatMap(ofChoice);
  const { type } = payload;
  if (type === 'content_block_start' || type === 'content_block_delta') return ofBlockEvent(payload);
  if (type === 'message') return objectsOf(payload.content).flatMap(ofBlock);
  if (typeof type === 'string' && type.startsWith('response.')) return ofResponseEvent(type, payload);
  if (Array.isArray(payload.output)) return objectsOf(payload.output).flatMap(ofItem);
  return objectsOf(payload.data).flatMap(ofEmbedding);
}

function piece(slot: string, kind: PieceKind, text: unknown, name?: unknown): Piece[] {
  const said = textOf(text) ?? '';
  const called = textOf(name);
  if (said === '' && called === undefined) return [];
  return [{ slot, kind, text: said, ...(called !== undefined && { name: called }) }];
}

function ofChoice(choice: JsonObject, position: number): Piece[] {
  const slot = `choice:${countOf(choice.index) ?? position}`;
  const message = objectOf(choice.delta) ?? objectOf(choice.message);
  if (!message) return piece(`${slot}:text`, 'text', choice.text);
  return [
    ...piece(`${slot}:reasoning`, 'reasoning', message.reasoning_content ?? message.reasoning),
    ...ofContent(`${slot}:content`, message.content),
    ...piece(`${slot}:refusal`, 'text', message.refusal),
    ...objectsOf(message.tool_calls).flatMap((call, index) => ofCall(slot, call, index)),
  ];
}

/** A text, or a list of parts. */
function ofContent(slot: string, content: unknown): Piece[] {
  if (!Array.isArray(content)) return piece(slot, 'text', content);
  return objectsOf(content).flatMap((part) => piece(slot, 'text', part.text ?? part.refusal));
}

function ofCall(slot: string, call: JsonObject, position: number): Piece[] {
  const tool = `${slot}:tool:${countOf(call.index) ?? position}`;
  const named = objectOf(call.function);
  if (named) return piece(`${tool}:arguments`, 'tool', named.arguments, named.name);
  const custom = objectOf(call.custom);
  return piece(`${tool}:input`, 'tool', custom?.input, custom?.name);
}

function ofBlockEvent(payload: JsonObject): Piece[] {
  const index = countOf(payload.index) ?? 0;
  const block = objectOf(payload.content_block);
  // The input of a tool begins as an empty object here.
  if (block) return ofBlock({ ...block, input: undefined }, index);
  const delta = objectOf(payload.delta) ?? {};
  const slot = `block:${index}`;
  return [
    ...piece(`${slot}:thinking`, 'reasoning', delta.thinking),
    ...piece(`${slot}:text`, 'text', delta.text),
    ...piece(`${slot}:input`, 'tool', delta.partial_json),
  ];
}

function ofBlock(block: JsonObject, index: number): Piece[] {
  const slot = `block:${index}`;
  const input = block.input === undefined ? undefined : JSON.stringify(block.input);
  return [
    ...piece(`${slot}:thinking`, 'reasoning', block.thinking),
    ...piece(`${slot}:text`, 'text', block.text),
    ...piece(`${slot}:input`, 'tool', input, block.name),
  ];
}

interface Stem {
  readonly kind: PieceKind;
  /** In the slot's name. */
  readonly part: string;
  /** The field that counts texts of this part within their item. */
  readonly index?: string;
}

const stems: Readonly<Record<string, Stem>> = {
  'response.output_text': { kind: 'text', part: 'content', index: 'content_index' },
  'response.refusal': { kind: 'text', part: 'content', index: 'content_index' },
  'response.reasoning_text': { kind: 'reasoning', part: 'content', index: 'content_index' },
  'response.reasoning_summary_text': { kind: 'reasoning', part: 'summary', index: 'summary_index' },
  'response.function_call_arguments': { kind: 'tool', part: 'arguments' },
  'response.mcp_call_arguments': { kind: 'tool', part: 'arguments' },
  'response.custom_tool_call_input': { kind: 'tool', part: 'input' },
  'response.code_interpreter_call_code': { kind: 'tool', part: 'code' },
};

function ofResponseEvent(type: string, payload: JsonObject): Piece[] {
  const item = `item:${countOf(payload.output_index) ?? 0}`;
  if (type === 'response.output_item.added') {
    const { name, type: kind } = objectOf(payload.item) ?? {};
    return piece(`${item}:${kind === 'custom_tool_call' ? 'input' : 'arguments'}`, 'tool', '', name);
  }
  const name = type.endsWith('.delta') ? type.slice(0, -'.delta'.length) : '';
  if (!Object.hasOwn(stems, name)) return [];
  const { kind, part, index } = stems[name] as Stem;
  const slot = index === undefined ? `${item}:${part}` : `${item}:${part}:${countOf(payload[index]) ?? 0}`;
  return piece(slot, kind, payload.delta);
}

function ofItem(item: JsonObject, position: number): Piece[] {
  const slot = `item:${position}`;
  return [
    ...objectsOf(item.summary).flatMap(({ text }, index) =>
      piece(`${slot}:summary:${index}`, 'reasoning', text),
    ),
    ...objectsOf(item.content).flatMap(({ type, text, refusal }, index) =>
      piece(`${slot}:content:${index}`, type === 'reasoning_text' ? 'reasoning' : 'text', text ?? refusal),
    ),
    ...piece(`${slot}:arguments`, 'tool', item.arguments, item.name),
    ...piece(`${slot}:input`, 'tool', item.input),
  ];
}

const numbersShown = 4;

/** Nobody reads all of its numbers. */
function ofEmbedding({ embedding, index }: JsonObject, position: number): Piece[] {
  const slot = `embedding:${countOf(index) ?? position}`;
  if (typeof embedding === 'string')
    return piece(slot, 'text', `A vector of ${embedding.length} characters in base64\n`);
  if (!Array.isArray(embedding)) return [];
  const first = embedding.slice(0, numbersShown).join(', ');
  const more = embedding.length > numbersShown ? ', …' : '';
  return piece(slot, 'text', `A vector of ${embedding.length} numbers: ${first}${more}\n`);
}
