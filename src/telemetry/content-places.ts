import type { Problem } from '../config/problems.ts';
import type { Environment } from './sdk/exporters.ts';

/** Where prompts and replies are told. */
export interface ContentPlaces {
  /** Attributes of the spans of attempts. */
  readonly isOnSpans: boolean;
  /** Log records of their own. */
  readonly isInEvents: boolean;
}

const variable = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT';

const nowhere: ContentPlaces = { isOnSpans: false, isInEvents: false };

const places: Readonly<Record<string, ContentPlaces>> = {
  NO_CONTENT: nowhere,
  SPAN_ONLY: { isOnSpans: true, isInEvents: false },
  EVENT_ONLY: { isOnSpans: false, isInEvents: true },
  SPAN_AND_EVENT: { isOnSpans: true, isInEvents: true },
};

/**
 * Older instrumentations knew only these two, and told content in log records, as most that are for JavaScript still
 * do; Python's of today know only the four above. Whoever says `true` gets content wherever it can be looked for.
 */
const older: Readonly<Record<string, ContentPlaces | undefined>> = {
  FALSE: places.NO_CONTENT,
  TRUE: places.SPAN_AND_EVENT,
};

/** As the variable of the GenAI instrumentations says; nowhere by default. What is wrong goes to `problems`. */
export function contentPlaces(env: Environment, problems: Problem[]): ContentPlaces {
  const value = env[variable]?.trim() || 'NO_CONTENT';
  const name = value.toUpperCase();
  const known = Object.hasOwn(places, name)
    ? places[name]
    : Object.hasOwn(older, name)
      ? older[name]
      : undefined;
  if (known !== undefined) return known;
  const text = `'${value}' is not known; expected one of ${Object.keys(places).join(', ')}, true, false`;
  problems.push({ source: variable, offset: -1, text });
  return nowhere;
}
