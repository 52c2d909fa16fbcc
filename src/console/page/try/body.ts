import { asJsonObject, type JsonObject } from '../../../wire/json.ts';

/** A body that can be sent, or why it cannot: in words, and where, from 1. */
export type ParsedBody =
  | { readonly body: JsonObject; readonly problem?: undefined }
  | { readonly problem: string; readonly line?: number; readonly column?: number };

/** Reads what somebody has written as the body of a query. */
export function parseBody(text: string): ParsedBody {
  if (text.trim() === '') return { problem: 'The body is empty: a JSON object is wanted.' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    return problemOf(text, thrown instanceof Error ? thrown.message : String(thrown));
  }
  const body = asJsonObject(value);
  return body ? { body } : { problem: 'A JSON object is wanted: it begins with { and ends with }.' };
}

/** Browsers tell the place in their message alone, each in its own words. */
function problemOf(text: string, message: string): ParsedBody {
  const what = message
    .replace(/ in JSON at position \d+.*| at line \d+ column \d+.*$/s, '')
    .replace(/^JSON\.parse: /, '');
  const said = /line (\d+) column (\d+)/.exec(message);
  if (said) return placed(what, Number(said[1]), Number(said[2]));
  const position = /position (\d+)/.exec(message);
  const isAtEnd = /end of (?:JSON input|data)|unterminated/i.test(message);
  if (!position && !isAtEnd) return { problem: `${what}.` };
  const before = text.slice(0, position ? Number(position[1]) : text.length);
  const lines = before.split('\n');
  return placed(what, lines.length, (lines.at(-1)?.length ?? 0) + 1);
}

function placed(what: string, line: number, column: number): ParsedBody {
  return { problem: `${what}, at line ${line}, column ${column}.`, line, column };
}
