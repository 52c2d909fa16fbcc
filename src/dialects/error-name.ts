import { asJsonObject, type JsonObject } from '../wire/json.ts';
import { count, label, text } from './payload.ts';

/** OpenTelemetry's value for an error that has no name of its own. */
const nameless = '_OTHER';

/**
 * The name of the error in a payload, where it is one: `{ error: { type, code } }` as OpenAI and Anthropic
 * write it, or the same without its envelope. The code is the more exact of the two; backends that put
 * the HTTP status there have said nothing, so their type comes first.
 */
export function errorName(payload: JsonObject): string | undefined {
  const inner = asJsonObject(payload.error);
  if (inner !== undefined) return flatErrorName(inner);
  return text(payload.error) === undefined ? undefined : nameless;
}

/** The name of an error without an envelope. */
export function flatErrorName(error: JsonObject | undefined): string {
  if (error === undefined) return nameless;
  const type = error.type === 'error' ? undefined : label(error.type);
  return label(error.code) ?? type ?? count(error.code)?.toString() ?? nameless;
}
