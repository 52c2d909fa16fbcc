import { isJsonObject, type JsonObject } from '../../wire/json.ts';
import { label, list, text } from '../payload.ts';
import type { Message, Part } from './content.ts';
import { contentParts, toolOutput } from './openai-parts.ts';
import {
  otherPart,
  reasoningPart,
  serverToolCallPart,
  textPart,
  toolCallPart,
  toolResponsePart,
} from './parts.ts';

/** Items of the responses API: in a query's `input`, and in a reply's `output`. */

/** The conversation: a text is a user's message. */
export function itemMessages(input: unknown): Message[] {
  if (typeof input === 'string') return [{ role: 'user', parts: [textPart(input)] }];
  return list(input)
    .filter(isJsonObject)
    .map((item) => ({ role: roleOf(item), parts: itemParts(item) }));
}

function roleOf({ role, type }: JsonObject): string {
  return label(role) ?? (isOutput(type) ? 'tool' : 'assistant');
}

function isOutput(type: unknown): boolean {
  return typeof type === 'string' && type.endsWith('_output');
}

export function itemParts(item: JsonObject): Part[] {
  const { type } = item;
  if (type === undefined || type === 'message') return contentParts(item.content);
  if (type === 'reasoning') return reasoning(item);
  if (type === 'function_call' || type === 'custom_tool_call')
    return [toolCallPart(text(item.call_id), text(item.name), item.arguments ?? item.input)];
  if (isOutput(type)) return [toolResponsePart(text(item.call_id), toolOutput(item.output))];
  if (typeof type === 'string' && type.endsWith('_call')) return [serverToolCall(item, type)];
  return [otherPart(item)];
}

/** A summary, or all of it where a backend shows that; of what is encrypted there is nothing. */
function reasoning({ summary, content }: JsonObject): Part[] {
  return [...contentParts(summary), ...contentParts(content)].map((part) =>
    typeof part.content === 'string' ? reasoningPart(part.content) : part,
  );
}

/** What says what was called for. Not its results: they are files and pictures as well. */
function serverToolCall(item: JsonObject, type: string): Part {
  const { arguments: args, input, code, queries, action } = item;
  const details = {
    type,
    arguments: args,
    input,
    code,
    queries,
    action: isJsonObject(action) ? action : undefined,
  };
  return serverToolCallPart(text(item.id), text(item.name) ?? type, details);
}
