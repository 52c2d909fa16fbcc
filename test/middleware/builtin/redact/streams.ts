import { anthropicMessages } from '../../../../src/dialects/anthropic-messages.ts';
import type { Dialect } from '../../../../src/dialects/dialect.ts';
import { openaiChat } from '../../../../src/dialects/openai-chat.ts';
import { openaiCompletions } from '../../../../src/dialects/openai-completions.ts';
import { openaiResponses } from '../../../../src/dialects/openai-responses.ts';
import type { JsonObject } from '../../../../src/wire/json.ts';
import type { SseEvent } from '../../../../src/wire/sse-event.ts';
import { pick } from './secrets.ts';

/** One text of a reply, in the pieces in which it is streamed. */
export interface SlotText {
  readonly slot: string;
  readonly pieces: readonly string[];
}

/** How a dialect streams texts: what comes before and after each of them, and a piece of one or more. */
export interface StreamShape {
  readonly dialect: Dialect;
  /** Slots that one reply can have together. */
  readonly slots: readonly (readonly string[])[];
  begin(slot: string): SseEvent[];
  /** Pieces of texts, each of another slot; more than one where the dialect's events can carry them. */
  piece(pieces: readonly { readonly slot: string; readonly text: string }[]): SseEvent[];
  /** No piece of this text comes any more. */
  end(slot: string, text: string): SseEvent[];
  close(texts: ReadonlyMap<string, string>): SseEvent[];
  /** Says nothing about any text. */
  readonly aside: SseEvent;
}

const event = (payload: JsonObject, name = ''): SseEvent => ({ event: name, data: JSON.stringify(payload) });
const typed = (payload: JsonObject & { readonly type: string }): SseEvent => event(payload, payload.type);
const done: SseEvent = { event: '', data: '[DONE]' };
const numbers = (slot: string): number[] => slot.match(/\d+/g)?.map(Number) ?? [];

function choiceEvents(choices: readonly JsonObject[]): SseEvent {
  return event({ id: 'reply-1', object: 'chunk', choices });
}

const chat: StreamShape = {
  dialect: openaiChat,
  slots: [
    ['choice:0:content', 'choice:1:content', 'choice:2:refusal'],
    ['choice:0:content', 'choice:0:reasoning_content', 'choice:1:content'],
    [
      'choice:0:content',
      'choice:0:tool:0:arguments',
      'choice:0:tool:1:arguments',
      'choice:1:tool:0:arguments',
    ],
  ],
  begin(slot) {
    const [index = 0, call] = numbers(slot);
    const delta =
      call === undefined
        ? { role: 'assistant', content: '' }
        : {
            tool_calls: [
              { index: call, id: `call_${call}`, type: 'function', function: { name: 'f', arguments: '' } },
            ],
          };
    return [choiceEvents([{ index, delta, finish_reason: null }])];
  },
  piece(pieces) {
    const choices = pieces.map(({ slot, text }) => {
      const [index = 0, call = 0] = numbers(slot);
      const field = slot.split(':')[2] ?? '';
      const delta =
        field === 'tool'
          ? { tool_calls: [{ index: call, function: { arguments: text } }] }
          : { [field]: text };
      return { index, delta, logprobs: field === 'content' ? { content: [{ token: text }] } : null };
    });
    return [choiceEvents(choices)];
  },
  end: () => [],
  close(texts) {
    const indexes = new Set(Array.from(texts.keys(), (slot) => numbers(slot)[0] ?? 0));
    const finishes = Array.from(indexes, (index) =>
      choiceEvents([{ index, delta: {}, finish_reason: 'stop' }]),
    );
    return [...finishes, event({ id: 'reply-1', choices: [], usage: { total_tokens: 3 } }), done];
  },
  aside: event({ id: 'reply-1', choices: [], prompt_filter_results: [] }),
};

const completions: StreamShape = {
  dialect: openaiCompletions,
  slots: [['choice:0:text'], ['choice:0:text', 'choice:1:text', 'choice:2:text']],
  begin: () => [],
  piece: (pieces) => [
    choiceEvents(pieces.map(({ slot, text }) => ({ index: numbers(slot)[0], text, finish_reason: null }))),
  ],
  end: (slot) => [choiceEvents([{ index: numbers(slot)[0], text: '', finish_reason: 'stop' }])],
  close: () => [done],
  aside: event({ id: 'reply-1', choices: [] }),
};

const anthropicKinds: Readonly<Record<string, { block: JsonObject; delta: string; field: string }>> = {
  text: { block: { type: 'text', text: '' }, delta: 'text_delta', field: 'text' },
  thinking: {
    block: { type: 'thinking', thinking: '', signature: '' },
    delta: 'thinking_delta',
    field: 'thinking',
  },
  input: {
    block: { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} },
    delta: 'input_json_delta',
    field: 'partial_json',
  },
};
const anthropicKind = (slot: string) => anthropicKinds[slot.split(':')[2] ?? ''] ?? assertNever(slot);

const anthropic: StreamShape = {
  dialect: anthropicMessages,
  slots: [['block:0:text'], ['block:0:thinking', 'block:1:text', 'block:2:input', 'block:3:input']],
  begin: (slot) => [
    typed({ type: 'content_block_start', index: numbers(slot)[0], content_block: anthropicKind(slot).block }),
  ],
  piece: (pieces) =>
    pieces.map(({ slot, text }) => {
      const { delta, field } = anthropicKind(slot);
      return typed({
        type: 'content_block_delta',
        index: numbers(slot)[0],
        delta: { type: delta, [field]: text },
      });
    }),
  end: (slot) => [typed({ type: 'content_block_stop', index: numbers(slot)[0] })],
  close: () => [
    typed({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 3 } }),
    typed({ type: 'message_stop' }),
  ],
  aside: typed({ type: 'ping' }),
};

const responsesKinds: Readonly<Record<string, { stem: string; whole: string; index: string }>> = {
  content: { stem: 'response.output_text', whole: 'text', index: 'content_index' },
  summary: { stem: 'response.reasoning_summary_text', whole: 'text', index: 'summary_index' },
  arguments: { stem: 'response.function_call_arguments', whole: 'arguments', index: 'none' },
};
const responsesKind = (slot: string) => responsesKinds[slot.split(':')[2] ?? ''] ?? assertNever(slot);
const place = (slot: string): JsonObject => {
  const [item, part] = numbers(slot);
  return { output_index: item, [responsesKind(slot).index]: part };
};

function itemOf(slot: string, text: string): JsonObject {
  if (slot.includes(':arguments')) return { type: 'function_call', name: 'f', arguments: text };
  if (slot.includes(':summary')) return { type: 'reasoning', summary: [{ type: 'summary_text', text }] };
  return { type: 'message', content: [{ type: 'output_text', text, annotations: [] }] };
}

const responses: StreamShape = {
  dialect: openaiResponses,
  slots: [
    ['item:0:content:0'],
    ['item:0:summary:0', 'item:1:content:0', 'item:2:arguments', 'item:3:arguments'],
  ],
  begin: (slot) => [
    typed({ type: 'response.output_item.added', output_index: numbers(slot)[0], item: itemOf(slot, '') }),
  ],
  piece: (pieces) =>
    pieces.map(({ slot, text }) =>
      typed({ type: `${responsesKind(slot).stem}.delta`, ...place(slot), delta: text }),
    ),
  end(slot, text) {
    const { stem, whole } = responsesKind(slot);
    const item = itemOf(slot, text);
    return [
      typed({ type: `${stem}.done`, ...place(slot), [whole]: text }),
      typed({ type: 'response.output_item.done', output_index: numbers(slot)[0], item }),
    ];
  },
  close(texts) {
    const output = Array.from(texts, ([slot, text]) => itemOf(slot, text));
    return [typed({ type: 'response.completed', response: { id: 'reply-1', status: 'completed', output } })];
  },
  aside: typed({ type: 'response.in_progress', sequence_number: 7 }),
};

export const streamShapes: readonly StreamShape[] = [chat, completions, anthropic, responses];

/** No text stands still for so many events while others go on: half of what `redact` puts up with. */
const gapMax = 16;

/** The events of a reply with these texts, their pieces interleaved at random. */
export function interleaved(
  shape: StreamShape,
  texts: readonly SlotText[],
  random: () => number,
): SseEvent[] {
  const events: SseEvent[] = [];
  const queues = texts.map(({ slot, pieces }) => ({ slot, left: [...pieces], text: pieces.join(''), at: 0 }));
  for (const { slot } of queues) events.push(...shape.begin(slot));
  let open = queues;
  for (let turn = 0; open.length > 0; turn += 1) {
    for (const { slot, text, left } of open) if (left.length === 0) events.push(...shape.end(slot, text));
    open = open.filter(({ left }) => left.length > 0);
    const late = open.find(({ at }) => turn - at > gapMax / 4);
    const chosen = late ? [late] : open.filter(() => random() < 0.4);
    // One event has one piece of a choice at most.
    const apart = chosen.filter(
      ({ slot }, i) => chosen.findIndex((other) => numbers(other.slot)[0] === numbers(slot)[0]) === i,
    );
    const pieces = apart.map((queue) => {
      queue.at = turn;
      return { slot: queue.slot, text: queue.left.shift() ?? '' };
    });
    if (pieces.length > 0) events.push(...shape.piece(pieces));
    if (random() < 0.05) events.push(pick(random, [shape.aside, { event: '', data: 'no JSON' }]));
  }
  events.push(...shape.close(new Map(queues.map(({ slot, text }) => [slot, text]))));
  return events;
}

function assertNever(slot: string): never {
  throw new Error(`no such slot: ${slot}`);
}
