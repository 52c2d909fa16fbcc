import type { ServerMessage } from '../stream/protocol.ts';
import type { ServerEvent } from './options.ts';
import type { JsonObject } from './reply.ts';

/** A message of the server: one of the stream protocol's own, or one of a type that a plugin brings. */
export type Incoming =
  | { readonly kind: 'own'; readonly message: ServerMessage }
  | { readonly kind: 'other'; readonly message: ServerEvent };

/** Checked as far as the client leans on it. Undefined where it is nothing of the stream protocol. */
export function readMessage(data: unknown): Incoming | undefined {
  const message = typeof data === 'string' ? parse(data) : undefined;
  if (!isNamed(message)) return undefined;
  const isRight = checks[message.type];
  if (isRight === undefined) return { kind: 'other', message };
  return isRight(message) ? { kind: 'own', message: message as unknown as ServerMessage } : undefined;
}

type Check = (message: JsonObject) => boolean;

const checks: Readonly<Record<string, Check | undefined>> = {
  __proto__: null as never,
  chunk: ({ id, status, event, text, base64, headers }) =>
    isId(id) &&
    isOptional('number', status) &&
    isOptional('string', event) &&
    isOptional('string', text) &&
    isOptional('string', base64) &&
    areHeaders(headers),
  response: ({ id, status, text, base64, headers, trailers, outcome }) =>
    isId(id) &&
    typeof status === 'number' &&
    typeof outcome === 'string' &&
    isOptional('string', text) &&
    isOptional('string', base64) &&
    areHeaders(headers) &&
    areHeaders(trailers),
  error: ({ id, error }) =>
    (id === undefined || isId(id)) &&
    isObject(error) &&
    typeof error.code === 'string' &&
    typeof error.message === 'string',
  ping: ({ id }) => id === undefined || isId(id),
  pong: () => true,
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isNamed(value: unknown): value is ServerEvent {
  return isObject(value) && typeof value.type === 'string';
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(id: unknown): boolean {
  return typeof id === 'number' || typeof id === 'string';
}

function isOptional(type: 'string' | 'number', value: unknown): boolean {
  return value === undefined || typeof value === type;
}

function areHeaders(headers: unknown): boolean {
  if (headers === undefined) return true;
  return isObject(headers) && Object.values(headers).every((value) => isText(value) || isTexts(value));
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}
