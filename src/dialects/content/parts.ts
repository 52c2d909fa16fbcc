import { asJsonObject, isJsonObject, type JsonObject } from '../../wire/json.ts';
import { label, list, text } from '../payload.ts';
import type { Part, ToolDefinition } from './content.ts';

/** Parts that dialects have in common. Keys that are undefined are left out when they are written. */

export function textPart(content: string): Part {
  return { type: 'text', content };
}

export function reasoningPart(content: string): Part {
  return { type: 'reasoning', content };
}

/** The conventions have no type for it. */
export function refusalPart(content: string): Part {
  return { type: 'refusal', content };
}

/** `args`: as the model gives them, which is JSON as a text, or what is there of it. */
export function toolCallPart(id: string | undefined, name: string | undefined, args: unknown): Part {
  return { type: 'tool_call', id, name: name ?? '', arguments: argumentsOf(args) };
}

export function toolResponsePart(id: string | undefined, response: unknown): Part {
  return { type: 'tool_call_response', id, response: response ?? null };
}

/** The arguments of a call, where they are a JSON object or list; as they came where they are something else. */
export function argumentsOf(args: unknown): unknown {
  if (typeof args !== 'string') return args ?? null;
  if (args === '') return null;
  try {
    const parsed: unknown = JSON.parse(args);
    // A text that happens to be JSON stays one.
    return typeof parsed === 'object' && parsed !== null ? parsed : args;
  } catch {
    return args;
  }
}

/** A call that the provider itself runs, as a search of the web. */
export function serverToolCallPart(id: string | undefined, name: string, details: JsonObject): Part {
  return { type: 'server_tool_call', id, name, server_tool_call: details };
}

type Modality = 'image' | 'audio' | 'video' | 'document';

const base64Start = /^data:([^;,]*)[^,]*,/;

/** Bytes within the message: what they are and how many, and not they themselves. */
export function blobPart(modality: Modality, mimeType: string | undefined, base64: unknown): Part {
  const size = typeof base64 === 'string' ? decodedSize(base64, 0) : undefined;
  return { type: 'blob', modality, mime_type: mimeType, byte_size: size };
}

/** What an address leads to; those that have their data within are blobs. */
export function addressPart(modality: Modality, address: unknown): Part {
  const uri = text(address);
  const [start, mimeType] = (uri && base64Start.exec(uri.slice(0, 256))) || [];
  if (uri === undefined || start === undefined) return { type: 'uri', modality, uri: uri && plainUri(uri) };
  const size = decodedSize(uri, start.length);
  return { type: 'blob', modality, mime_type: mimeType || undefined, byte_size: size };
}

export function filePart(modality: Modality, id: unknown): Part {
  return { type: 'file', modality, file_id: text(id) };
}

/** What the conventions' own types are, which demand more than their name. */
const ownTypes: ReadonlySet<unknown> = new Set([
  'text',
  'reasoning',
  'refusal',
  'tool_call',
  'tool_call_response',
]);

/** Something else, by the name that the API has for it. */
export function otherPart({ type }: JsonObject): Part {
  return { type: ownTypes.has(type) ? 'unknown' : (label(type) ?? 'unknown') };
}

function decodedSize(base64: string, start: number): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return Math.max(0, Math.floor(((base64.length - start) * 3) / 4) - padding);
}

/** Without user, query string and fragment: whoever signs addresses does it there. */
function plainUri(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}${host === '' ? '' : `//${host}`}${pathname}`;
}

/**
 * `tools` of a query, in the forms that OpenAI and Anthropic have for them. What is beside a name, a description and
 * parameters stays away: tools of the provider's own have addresses and keys of other services there.
 */
export function toolDefinitions(...lists: readonly unknown[]): ToolDefinition[] {
  return lists.flatMap((tools) => list(tools).filter(isJsonObject).map(toolDefinition));
}

function toolDefinition(tool: JsonObject): ToolDefinition {
  const type = text(tool.type);
  const described = asJsonObject(tool.function) ?? asJsonObject(tool.custom) ?? tool;
  const description = text(described.description);
  const parameters = described.parameters ?? described.input_schema;
  return {
    // Anthropic calls a function `custom`, or nothing at all.
    type: type === undefined || (type === 'custom' && parameters !== undefined) ? 'function' : type,
    name: text(described.name) ?? text(described.server_label) ?? type ?? '',
    ...(description !== undefined && { description }),
    ...(isJsonObject(parameters) && { parameters }),
  };
}
