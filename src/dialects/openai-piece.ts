import type { JsonObject } from '../wire/json.ts';
import { count, text } from './payload.ts';

/**
 * Texts that stream in pieces in the responses API and the realtime one. Each has a `.delta` event with a piece in `delta`, and
 * a `.done` event that repeats the whole text in a field of its own.
 */
interface PieceRow {
  /** The `.done` event's field. */
  readonly whole: string;
  /** The kind in the slot's name: as in the slots of the item that `openai-item.ts` maps. */
  readonly kind: string;
  /** The field that counts texts of this kind within their item. */
  readonly index?: string;
}

const rows: Readonly<Record<string, PieceRow>> = {
  'response.output_text': { whole: 'text', kind: 'content', index: 'content_index' },
  'response.refusal': { whole: 'refusal', kind: 'content', index: 'content_index' },
  'response.reasoning_text': { whole: 'text', kind: 'content', index: 'content_index' },
  'response.reasoning_summary_text': { whole: 'text', kind: 'summary', index: 'summary_index' },
  'response.function_call_arguments': { whole: 'arguments', kind: 'arguments' },
  'response.mcp_call_arguments': { whole: 'arguments', kind: 'arguments' },
  'response.custom_tool_call_input': { whole: 'input', kind: 'input' },
  'response.code_interpreter_call_code': { whole: 'code', kind: 'code' },
  'response.shell_call_command': { whole: 'command', kind: 'command', index: 'command_index' },
  'response.audio.transcript': { whole: 'transcript', kind: 'transcript' },
  'response.output_audio_transcript': { whole: 'transcript', kind: 'content', index: 'content_index' },
  // As the realtime API named them in its beta.
  'response.audio_transcript': { whole: 'transcript', kind: 'content', index: 'content_index' },
  'response.text': { whole: 'text', kind: 'content', index: 'content_index' },
};

const pieceRows = new Map(Object.entries(rows).map(([stem, row]) => [`${stem}.delta`, row]));
const wholeRows = new Map(Object.entries(rows).map(([stem, row]) => [`${stem}.done`, row]));

/** Is this the type of an event that carries a piece? */
export function isPieceType(type: unknown): boolean {
  return typeof type === 'string' && pieceRows.has(type);
}

/** The field of a `.done` event that has the whole text. */
export function wholeField(type: unknown): string {
  return wholeRows.get(text(type) ?? '')?.whole ?? '';
}

/** The slot that an event's piece or whole text belongs to; `undefined` for any other event. */
export function pieceSlot(payload: JsonObject): string | undefined {
  const type = text(payload.type);
  if (type === undefined) return undefined;
  const row = pieceRows.get(type) ?? wholeRows.get(type);
  if (row === undefined) return undefined;
  const slot = `item:${count(payload.output_index) ?? 0}:${row.kind}`;
  return row.index === undefined ? slot : `${slot}:${count(payload[row.index]) ?? 0}`;
}
