import { asJsonObject, type JsonObject } from '../wire/json.ts';
import type { TextMap } from './dialect.ts';
import { withItemsText, withItemText } from './openai-item.ts';
import { isPieceType, pieceSlot, wholeField } from './openai-piece.ts';
import { count, label } from './payload.ts';
import { withField, withoutStaleLogprobs, withPart, withText } from './text-walk.ts';

/** What a person said, as another model wrote it down: no text of a response, so its slots name the item. */
const transcription = 'conversation.item.input_audio_transcription.';

const transcriptionFields = new Map([
  [`${transcription}delta`, 'delta'],
  [`${transcription}segment`, 'text'],
  [`${transcription}completed`, 'transcript'],
]);

/** The texts of a client's message. They are told by their place: a type that is new has them there too. */
export function mapRealtimeQueryText(payload: JsonObject, map: TextMap): JsonObject {
  let next = withInner(payload, 'session', (session) =>
    withText(session, 'instructions', map, 'instructions'),
  );
  next = withInner(next, 'item', (item) => withItemText(item, map, 'item'));
  return withInner(next, 'response', (response) => {
    const told = withText(response, 'instructions', map, 'instructions');
    return withField(told, 'input', (items) => withItemsText(items, map, 'input'));
  });
}

/** A response as `response.done` has it, or that message itself. */
export function mapRealtimeReplyText(payload: JsonObject, map: TextMap): JsonObject {
  const next = withInner(payload, 'response', (response) => withOutput(response, map, 'item'));
  return withOutput(next, map, 'item');
}

export function mapRealtimeEventText(payload: JsonObject, map: TextMap): JsonObject {
  const slot = pieceSlot(payload);
  if (slot !== undefined) {
    const changed = isPieceType(payload.type)
      ? withText(payload, 'delta', map, slot)
      : withText(payload, wholeField(payload.type), map, `whole:${slot}`);
    return withoutStaleLogprobs(payload, changed);
  }
  const field = transcriptionField(payload);
  if (field !== undefined) {
    const said = spokenSlot(payload);
    const changed = withText(payload, field, map, field === 'delta' ? said : `whole:${said}`);
    return withoutStaleLogprobs(payload, changed);
  }
  const index = count(payload.output_index);
  let next = withInner(payload, 'item', (item) =>
    withItemText(
      item,
      map,
      index === undefined ? `whole:conversation:${label(item.id) ?? ''}` : `whole:item:${index}`,
    ),
  );
  next = withInner(next, 'part', (part) =>
    withPart(part, map, `whole:item:${index ?? 0}:content:${count(payload.content_index) ?? 0}`),
  );
  return withInner(next, 'response', (response) => withOutput(response, map, 'whole:item'));
}

export function endedRealtimeSlots(payload: JsonObject): readonly string[] | 'all' {
  const { type } = payload;
  if (type === 'response.done' || type === 'error') return 'all';
  if (type === 'response.output_item.done') return [`item:${count(payload.output_index) ?? 0}:`];
  if (type === `${transcription}completed` || type === `${transcription}failed`) return [spokenSlot(payload)];
  const slot = pieceSlot(payload);
  return slot === undefined || isPieceType(type) ? [] : [slot];
}

function transcriptionField({ type }: JsonObject): string | undefined {
  return typeof type === 'string' ? transcriptionFields.get(type) : undefined;
}

function spokenSlot(payload: JsonObject): string {
  return `input:${label(payload.item_id) ?? ''}:${count(payload.content_index) ?? 0}`;
}

function withOutput(response: JsonObject, map: TextMap, slot: string): JsonObject {
  return withField(response, 'output', (items) => withItemsText(items, map, slot));
}

function withInner(owner: JsonObject, key: string, change: (inner: JsonObject) => JsonObject): JsonObject {
  return withField(owner, key, (value) => {
    const inner = asJsonObject(value);
    return inner === undefined ? value : change(inner);
  });
}
