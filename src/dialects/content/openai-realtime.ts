import { asJsonObject } from '../../wire/json.ts';
import { realtimeReason } from '../response-reason.ts';
import type { DialectContent } from './content.ts';
import { itemMessages } from './openai-items.ts';
import { contentParts } from './openai-parts.ts';
import { ResponsesCollector } from './openai-responses.ts';
import { toolDefinitions } from './parts.ts';

/**
 * Of a turn: what the message that asks for it says itself, and what the model answers, speech as its transcript. What
 * the session has said before, the conversation above all, is not here to be told.
 */
export const openaiRealtimeContent: DialectContent = {
  readInput(payload) {
    const response = asJsonObject(payload.response) ?? {};
    return {
      messages: itemMessages(response.input),
      systemInstructions: contentParts(response.instructions),
      toolDefinitions: toolDefinitions(response.tools),
    };
  },
  collect: (room) => new ResponsesCollector(room, realtimeReason),
};
