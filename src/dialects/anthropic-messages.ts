import type { ReplyFacts, Usage } from '../exchange/facts.ts';
import { asJsonObject, type JsonObject, parseJsonObject } from '../wire/json.ts';
import type { SseEvent } from '../wire/sse-event.ts';
import { withAnthropicContent, withDeltaText, withReplyBlock } from './anthropic-block.ts';
import { anthropicContent } from './content/anthropic-messages.ts';
import type { Dialect, EventMark } from './dialect.ts';
import { errorName, flatErrorName } from './error-name.ts';
import { count, text } from './payload.ts';
import { anthropicProblemBody } from './problem.ts';
import { readQueryFacts } from './query-facts.ts';
import { noOutput, noteCount, noteFinishReason, noteIdentity, output } from './reply-facts.ts';
import { withField, withObjects } from './text-walk.ts';

/** https://docs.claude.com/en/api/messages and https://docs.claude.com/en/docs/build-with-claude/streaming */
export const anthropicMessages: Dialect = {
  name: 'anthropic.messages',
  operation: 'chat',
  provider: 'anthropic',
  path: '/v1/messages',
  // The version is a part of it: OpenAI's threads have messages too.
  matches: (method, path) => method === 'POST' && path.endsWith('/v1/messages'),

  readQuery: readQueryFacts,
  readReply(payload, facts) {
    readMessage(payload, facts);
    const error = errorName(payload);
    if (error !== undefined) facts.error = error;
    facts.terminal = true;
  },
  readEvent,

  mapQueryText(payload, map) {
    const next = withField(payload, 'system', (system) => withAnthropicContent(system, map, 'system'));
    return withField(next, 'messages', (messages) =>
      withObjects(messages, (message, i) =>
        withField(message, 'content', (content) => withAnthropicContent(content, map, `message:${i}`)),
      ),
    );
  },
  mapReplyText: (payload, map) =>
    withField(payload, 'content', (content) =>
      withObjects(content, (block, i) => withReplyBlock(block, map, `block:${i}`, `block:${i}`)),
    ),
  mapEventText(payload, map) {
    const slot = `block:${count(payload.index) ?? 0}`;
    if (payload.type === 'content_block_delta') {
      return withField(payload, 'delta', (value) => {
        const delta = asJsonObject(value);
        return delta === undefined ? value : withDeltaText(delta, map, slot);
      });
    }
    if (payload.type !== 'content_block_start') return payload;
    return withField(payload, 'content_block', (value) => {
      const block = asJsonObject(value);
      // The text of a block continues in its deltas; a tool's input is given here as a whole or not at all.
      return block === undefined ? value : withReplyBlock(block, map, slot, `whole:${slot}`);
    });
  },
  endedSlots(_event, payload) {
    const type = payload?.type;
    if (type === 'message_stop' || type === 'error') return 'all';
    return type === 'content_block_stop' ? [`block:${count(payload?.index) ?? 0}:`] : [];
  },

  content: anthropicContent,

  problemBody: anthropicProblemBody,
  problemEvent: (problem) => ({ event: 'error', data: JSON.stringify(anthropicProblemBody(problem)) }),
};

function readEvent(event: SseEvent, facts: ReplyFacts): EventMark {
  const payload = parseJsonObject(event.data);
  switch (payload?.type) {
    case 'content_block_delta':
      return hasOutput(payload.delta, 'partial_json') ? output : noOutput;
    case 'content_block_start':
      return hasOutput(payload.content_block, 'text') ? output : noOutput;
    case 'message_start': {
      const message = asJsonObject(payload.message);
      if (message !== undefined) readStart(message, facts);
      return noOutput;
    }
    case 'message_delta':
      noteFinishReason(facts, 0, asJsonObject(payload.delta)?.stop_reason);
      noteUsage(payload.usage, facts);
      return noOutput;
    case 'message_stop':
      facts.terminal = true;
      return noOutput;
    case 'error':
      facts.error = errorName(payload) ?? flatErrorName(payload);
      return noOutput;
    default:
      return noOutput;
  }
}

/** A piece or the beginning of a block: its text, its thinking, or a piece of a tool's input. */
function hasOutput(value: unknown, third: string): boolean {
  const piece = asJsonObject(value);
  return (
    piece !== undefined && (text(piece.text) ?? text(piece.thinking) ?? text(piece[third])) !== undefined
  );
}

/** Its count of the output, usually 1, is of a reply that has yet to come: of one that breaks off, none is known. */
function readStart(message: JsonObject, facts: ReplyFacts): void {
  noteIdentity(message, facts);
  noteInput(asJsonObject(message.usage) ?? {}, facts.usage);
}

function readMessage(message: JsonObject, facts: ReplyFacts): void {
  noteIdentity(message, facts);
  noteFinishReason(facts, 0, message.stop_reason);
  noteUsage(message.usage, facts);
}

/** A later count replaces an earlier one, and where it leaves one out the earlier stands. */
function noteUsage(value: unknown, { usage }: ReplyFacts): void {
  const counts = asJsonObject(value) ?? {};
  noteInput(counts, usage);
  noteCount(usage, 'output', counts.output_tokens);
  noteCount(usage, 'reasoning', asJsonObject(counts.output_tokens_details)?.thinking_tokens);
}

/** Anthropic counts cached tokens beside the input, the conventions count them as a part of it. */
function noteInput(counts: JsonObject, usage: Usage): void {
  const cachedBefore = (usage.cacheRead ?? 0) + (usage.cacheCreation ?? 0);
  const uncached =
    count(counts.input_tokens) ?? (usage.input === undefined ? undefined : usage.input - cachedBefore);
  noteCount(usage, 'cacheRead', counts.cache_read_input_tokens);
  noteCount(usage, 'cacheCreation', counts.cache_creation_input_tokens);
  if (uncached !== undefined) usage.input = uncached + (usage.cacheRead ?? 0) + (usage.cacheCreation ?? 0);
}
