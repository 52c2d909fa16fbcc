import { anthropicMessages } from './anthropic-messages.ts';
import type { Dialect } from './dialect.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiCompletions } from './openai-completions.ts';
import { openaiEmbeddings } from './openai-embeddings.ts';
import { openaiRealtime } from './openai-realtime.ts';
import { openaiResponses } from './openai-responses.ts';
import type { SessionDialect } from './session-dialect.ts';

export { genericProblemBody } from './problem.ts';

/** Every dialect, in the order in which they are asked: the most frequent first. A path has one at most. */
export const dialects: readonly Dialect[] = [
  openaiChat,
  anthropicMessages,
  openaiResponses,
  openaiEmbeddings,
  openaiCompletions,
];

/** Those of WebSocket sessions. */
export const sessionDialects: readonly SessionDialect[] = [openaiRealtime];

/** The dialect of this name, of requests or of sessions. */
export function dialectNamed(name: string | undefined): Dialect | undefined {
  return (
    dialects.find((dialect) => dialect.name === name) ??
    sessionDialects.find((dialect) => dialect.name === name)
  );
}

/** The dialect that a session speaks, by the path of its upgrade, without the query string. */
export function sessionDialectFor(path: string): SessionDialect | undefined {
  const plain = plainPath(path);
  return sessionDialects.find((dialect) => dialect.matchesUpgrade(plain));
}

/**
 * The dialect that a request speaks: by its method, and its path without the query string. Backends take
 * other spellings of a path for the same; a middleware must not be stepped around by one.
 */
export function dialectFor(method: string, path: string): Dialect | undefined {
  const plain = /^[a-z0-9/._-]*[a-z0-9]$/.test(path) ? path : plainPath(path);
  return dialects.find((dialect) => dialect.matches(method, plain));
}

/** In lower case, decoded, with slashes only forward, without parameters (`;a`), doubled slashes and one at its end. */
function plainPath(path: string): string {
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return decoded
    .toLowerCase()
    .replaceAll('\\', '/')
    .replace(/;[^/]*/g, '')
    .replace(/\/{2,}/g, '/')
    .replace(/\/+$/, '');
}
