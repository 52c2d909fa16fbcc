import { asJsonObject, isJsonObject, type JsonObject } from '../../wire/json.ts';
import { label, list, text } from '../payload.ts';
import { ChatChoice } from './chat-choice.ts';
import { ChoicesCollector } from './choices-collector.ts';
import type { DialectContent, Message, Part } from './content.ts';
import { contentParts, toolOutput } from './openai-parts.ts';
import {
  blobPart,
  reasoningPart,
  refusalPart,
  toolCallPart,
  toolDefinitions,
  toolResponsePart,
} from './parts.ts';

/** A `system` or `developer` message is one of the conversation, as the conventions have it for this API. */
export const openaiChatContent: DialectContent = {
  readInput: (payload) => ({
    messages: list(payload.messages).filter(isJsonObject).map(readMessage),
    systemInstructions: [],
    toolDefinitions: toolDefinitions(payload.tools, payload.functions),
  }),
  collect: (room) =>
    new ChoicesCollector(
      () => new ChatChoice(room),
      room,
      (choice) => choice.message ?? choice.delta,
    ),
};

function readMessage(message: JsonObject): Message {
  const role = label(message.role) ?? 'unknown';
  const name = label(message.name);
  const isOfTool = role === 'tool' || role === 'function';
  return {
    role,
    ...(name !== undefined && { name }),
    parts: isOfTool ? [toolResult(message)] : [...said(message), ...called(message)],
  };
}

function toolResult({ tool_call_id, content }: JsonObject): Part {
  return toolResponsePart(text(tool_call_id), toolOutput(content));
}

function said(message: JsonObject): Part[] {
  const reasoning = text(message.reasoning_content) ?? text(message.reasoning);
  const refusal = text(message.refusal);
  return [
    ...(reasoning === undefined ? [] : [reasoningPart(reasoning)]),
    ...contentParts(message.content),
    ...(refusal === undefined ? [] : [refusalPart(refusal)]),
    // An answer that was spoken before, by its id.
    ...(isJsonObject(message.audio) ? [blobPart('audio', undefined, undefined)] : []),
  ];
}

function called(message: JsonObject): Part[] {
  const calls = list(message.tool_calls).filter(isJsonObject).map(toolCall);
  const old = asJsonObject(message.function_call);
  return old === undefined ? calls : [...calls, toolCallPart(undefined, text(old.name), old.arguments)];
}

function toolCall(call: JsonObject): Part {
  const called = asJsonObject(call.function) ?? asJsonObject(call.custom);
  return toolCallPart(text(call.id), text(called?.name), called?.arguments ?? called?.input);
}
