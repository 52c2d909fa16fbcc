import type { ReplyFacts } from '../exchange/facts.ts';
import { asJsonObject, isJsonObject, type JsonObject, parseJsonObject } from '../wire/json.ts';
import type { SseEvent } from '../wire/sse-event.ts';
import { openaiResponsesContent } from './content/openai-responses.ts';
import type { Dialect, EventMark } from './dialect.ts';
import { errorName, flatErrorName } from './error-name.ts';
import { withItemsText, withItemText } from './openai-item.ts';
import { isPieceType, pieceSlot, wholeField } from './openai-piece.ts';
import { count, text } from './payload.ts';
import { openaiProblemBody } from './problem.ts';
import { readQueryFacts } from './query-facts.ts';
import { noOutput, noteFinishReason, noteIdentity, noteOpenaiUsage, output } from './reply-facts.ts';
import { responseReason } from './response-reason.ts';
import { withField, withoutStaleLogprobs, withPart, withText } from './text-walk.ts';

/** https://platform.openai.com/docs/api-reference/responses and …/responses-streaming */
export const openaiResponses: Dialect = {
  name: 'openai.responses',
  operation: 'chat',
  provider: 'openai',
  path: '/v1/responses',
  matches: (method, path) => method === 'POST' && path.endsWith('/responses'),

  readQuery: readQueryFacts,
  readReply(payload, facts) {
    readResponse(payload, facts);
    facts.terminal = true;
  },
  readEvent,

  mapQueryText(payload, map) {
    const next = withText(payload, 'instructions', map, 'instructions');
    return withField(next, 'input', (input) => {
      if (typeof input === 'string') return map(input, 'input');
      return withItemsText(input, map, 'input', (item) => item.type !== 'reasoning');
    });
  },
  mapReplyText: (payload, map) => withField(payload, 'output', (items) => withItemsText(items, map, 'item')),
  mapEventText(payload, map) {
    const slot = pieceSlot(payload);
    if (slot !== undefined) {
      const changed = isPieceType(payload.type)
        ? withText(payload, 'delta', map, slot)
        : withText(payload, wholeField(payload.type), map, `whole:${slot}`);
      return withoutStaleLogprobs(payload, changed);
    }
    const itemSlot = `whole:item:${count(payload.output_index) ?? 0}`;
    let next = withField(payload, 'item', (item) =>
      isJsonObject(item) ? withItemText(item, map, itemSlot) : item,
    );
    next = withField(next, 'part', (part) => {
      if (!isJsonObject(part)) return part;
      const kind = payload.summary_index === undefined ? 'content' : 'summary';
      const index = count(payload.content_index ?? payload.summary_index) ?? 0;
      return withPart(part, map, `${itemSlot}:${kind}:${index}`);
    });
    return withField(next, 'response', (response) => {
      if (!isJsonObject(response)) return response;
      return withField(response, 'output', (items) => withItemsText(items, map, 'whole:item'));
    });
  },
  endedSlots(_event, payload) {
    if (payload === undefined) return [];
    if (isTerminal(payload.type)) return 'all';
    if (payload.type === 'response.output_item.done') return [`item:${count(payload.output_index) ?? 0}:`];
    const slot = pieceSlot(payload);
    return slot === undefined || isPieceType(payload.type) ? [] : [slot];
  },

  content: openaiResponsesContent,

  problemBody: openaiProblemBody,
  problemEvent(problem) {
    // The event as the API documents it, and with the envelope by which the SDKs know an error to throw.
    const { code, message } = problem;
    const data = { type: 'error', code, message, param: null, ...openaiProblemBody(problem) };
    return { event: 'error', data: JSON.stringify(data) };
  },
};

function isTerminal(type: unknown): boolean {
  return (
    type === 'response.completed' ||
    type === 'response.incomplete' ||
    type === 'response.failed' ||
    type === 'error'
  );
}

function readEvent(event: SseEvent, facts: ReplyFacts): EventMark {
  const payload = parseJsonObject(event.data);
  if (payload === undefined) return noOutput;
  const type = payload.type;
  if (isPieceType(type)) return text(payload.delta) === undefined ? noOutput : output;
  if (type === 'error') facts.error = errorName(payload) ?? flatErrorName(payload);
  if (isTerminal(type)) facts.terminal = true;
  if (facts.terminal || facts.id === undefined) {
    const response = asJsonObject(payload.response) ?? {};
    if (facts.terminal) readResponse(response, facts);
    else noteIdentity(response, facts);
    if (type === 'response.failed') facts.error ??= flatErrorName(undefined);
  }
  return noOutput;
}

function readResponse(response: JsonObject, facts: ReplyFacts): void {
  noteIdentity(response, facts);
  noteOpenaiUsage(response.usage, facts);
  noteFinishReason(facts, 0, responseReason(response));
  const error = errorName(response);
  if (error !== undefined) facts.error = error;
}
