import { asJsonObject, type JsonObject } from '../wire/json.ts';
import { text } from './payload.ts';

/**
 * The responses API and the realtime one have a status and no finish reason. The conventions set no vocabulary
 * (open-telemetry/semantic-conventions-genai#533); their examples are chat's words, so the reasons that chat
 * has too are given chat's names, and one panel counts both. Any other reason or status stays as it is.
 */
const chatReasons: ReadonlyMap<string, string> = new Map([
  ['completed', 'stop'],
  ['failed', 'error'],
  ['max_output_tokens', 'length'],
]);

/** Of a response of the responses API; undefined while it runs. */
export function responseReason(response: JsonObject): string | undefined {
  const status = text(response.status);
  if (status === undefined || status === 'in_progress' || status === 'queued') return undefined;
  const reason = text(asJsonObject(response.incomplete_details)?.reason) ?? status;
  return chatReasons.get(reason) ?? reason;
}

/** The same of the realtime API. */
export function realtimeReason(response: JsonObject): string | undefined {
  const reason = text(asJsonObject(response.status_details)?.reason) ?? text(response.status);
  if (reason === undefined || reason === 'in_progress') return undefined;
  return chatReasons.get(reason) ?? reason;
}
