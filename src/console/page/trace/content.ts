import type { TraceSpan } from '../../../admin/api/traces.ts';
import { attribute } from '../../../telemetry/names.ts';
import { isJsonObject, type JsonObject } from '../../../wire/json.ts';
import { textOf } from './span-facts.ts';

/** What was asked and answered, as people read it. */
export interface Conversation {
  readonly instructions: readonly ContentPart[];
  readonly tools: readonly Tool[];
  readonly messages: readonly ContentMessage[];
  /** Something was left out when it was captured. */
  readonly isTruncated: boolean;
}

export interface ContentMessage {
  readonly role: string;
  readonly isAnswer: boolean;
  readonly finishReason: string | undefined;
  readonly parts: readonly ContentPart[];
}

export interface ContentPart {
  readonly kind: 'text' | 'reasoning' | 'refusal' | 'tool_call' | 'tool_response' | 'other';
  /** Of a tool, its name; else what the part is. */
  readonly title: string | undefined;
  readonly text: string;
  /** `text` is JSON. */
  readonly isCode: boolean;
  /** Of a call and of what came of it. */
  readonly callId: string | undefined;
}

export interface Tool {
  readonly name: string;
  readonly description: string | undefined;
  readonly parameters: string | undefined;
}

/** Undefined of a span without content. */
export function conversationOf(span: TraceSpan): Conversation | undefined {
  const lists = [
    attribute.genAiSystemInstructions,
    attribute.genAiToolDefinitions,
    attribute.genAiInputMessages,
    attribute.genAiOutputMessages,
  ].map((key) => listOf(textOf(span, key)));
  if (lists.every((list) => list === undefined)) return undefined;
  const [instructions = [], tools = [], asked = [], answered = []] = lists;
  return {
    instructions: instructions.map(partOf),
    tools: tools.map(toolOf),
    messages: [
      ...asked.map((message) => messageOf(message, false)),
      ...answered.map((m) => messageOf(m, true)),
    ],
    isTruncated: span.attributes[attribute.contentTruncated] === true,
  };
}

/** The list that a text has as JSON; one that is no list, or was cut off, is one thing of its own. */
function listOf(json: string | undefined): readonly unknown[] | undefined {
  if (json === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) ? value : [value];
  } catch {
    return [json];
  }
}

function messageOf(value: unknown, isAnswer: boolean): ContentMessage {
  if (!isJsonObject(value)) {
    const parts = [plainPart('other', shownJson(value))];
    return { role: isAnswer ? 'assistant' : 'unknown', isAnswer, finishReason: undefined, parts };
  }
  return {
    role: textIn(value, 'role') ?? 'unknown',
    isAnswer,
    finishReason: textIn(value, 'finish_reason'),
    parts: Array.isArray(value.parts) ? value.parts.map(partOf) : [],
  };
}

/** A part of a message, in the words of the GenAI conventions. */
export function partOf(value: unknown): ContentPart {
  if (!isJsonObject(value)) return plainPart('other', shownJson(value));
  const type = textIn(value, 'type') ?? 'unknown';
  const content = textIn(value, 'content');
  const callId = textIn(value, 'id');
  if (type === 'text' || type === 'reasoning' || type === 'refusal')
    return {
      ...plainPart(type, content ?? shownJson(value.content)),
      title: type === 'text' ? undefined : type,
    };
  if (type === 'tool_call' || type === 'server_tool_call') {
    const text = shownJson(value.arguments ?? value.server_tool_call ?? null);
    return { kind: 'tool_call', title: textIn(value, 'name') ?? 'tool', text, isCode: true, callId };
  }
  if (type === 'tool_call_response') {
    const { response } = value;
    const text = typeof response === 'string' ? response : shownJson(response);
    return { kind: 'tool_response', title: 'result', text, isCode: typeof response !== 'string', callId };
  }
  const { type: _, ...rest } = value;
  const facts = Object.keys(rest).length > 0 ? shownJson(rest) : '';
  return { kind: 'other', title: type, text: facts, isCode: true, callId: undefined };
}

function toolOf(value: unknown): Tool {
  if (!isJsonObject(value)) return { name: shownJson(value), description: undefined, parameters: undefined };
  return {
    name: textIn(value, 'name') ?? textIn(value, 'type') ?? 'tool',
    description: textIn(value, 'description'),
    parameters: isJsonObject(value.parameters) ? shownJson(value.parameters) : undefined,
  };
}

export function plainPart(kind: ContentPart['kind'], text: string): ContentPart {
  return { kind, title: undefined, text, isCode: false, callId: undefined };
}

function shownJson(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '');
}

function textIn(value: JsonObject, key: string): string | undefined {
  const member = value[key];
  return typeof member === 'string' ? member : undefined;
}
