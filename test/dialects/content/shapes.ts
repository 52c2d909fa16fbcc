import assert from 'node:assert/strict';
import type { DialectContent, OutputMessage } from '../../../src/dialects/content/content.ts';
import { Room } from '../../../src/dialects/content/room.ts';
import { isJsonObject, type JsonObject } from '../../../src/wire/json.ts';

/** Without the keys that are undefined, as it is exported. */
export function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

export function collected(
  content: DialectContent,
  { events = [], whole }: { events?: readonly JsonObject[]; whole?: JsonObject },
  room = new Room(1_000_000),
): OutputMessage[] {
  const collector = content.collect(room);
  for (const event of events) collector.event(event);
  if (whole) collector.whole(whole);
  return plain(collector.messages());
}

/** Keys that the conventions' schemas demand of a part. Types beside these are free. */
const demanded: Readonly<Record<string, readonly string[]>> = {
  text: ['content'],
  reasoning: ['content'],
  tool_call: ['name', 'arguments'],
  tool_call_response: ['response'],
  server_tool_call: ['name', 'server_tool_call'],
  server_tool_call_response: ['server_tool_call_response'],
  blob: ['modality'],
  uri: ['modality'],
  file: ['modality'],
};

/** Asserts that it is a list of messages as the conventions' schemas have it. */
export function checkMessages(messages: unknown, isOutput: boolean): void {
  assert.ok(Array.isArray(messages));
  for (const message of messages) {
    assert.ok(isJsonObject(message) && typeof message.role === 'string' && message.role !== '');
    assert.equal(typeof message.finish_reason, isOutput ? 'string' : 'undefined');
    checkParts(message.parts);
  }
}

export function checkParts(parts: unknown): void {
  assert.ok(Array.isArray(parts));
  for (const part of parts) {
    assert.ok(isJsonObject(part) && typeof part.type === 'string', JSON.stringify(part));
    for (const key of demanded[part.type] ?? []) assert.ok(part[key] !== undefined, JSON.stringify(part));
    if (part.content !== undefined && part.type !== 'document') assert.equal(typeof part.content, 'string');
  }
}

export function checkTools(tools: unknown): void {
  assert.ok(Array.isArray(tools));
  for (const tool of tools) {
    assert.ok(isJsonObject(tool) && typeof tool.type === 'string' && typeof tool.name === 'string');
  }
}

/** Every text in it, however deep. */
export function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isJsonObject(value) ? Object.values(value).flatMap(textsIn) : [];
}
