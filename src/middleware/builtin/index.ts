import { z } from 'zod';
import type { Middleware } from '../middleware.ts';
import type { BuiltinMiddleware } from './builtin-middleware.ts';
import { redact } from './redact.ts';
import { requestTags } from './request-tags.ts';
import { streamUsage } from './stream-usage.ts';

/** Every middleware that comes with the service. A new one is a file here and a line in this list. */
export const builtinMiddleware: readonly BuiltinMiddleware[] = [requestTags, redact, streamUsage];

/** An entry of the configuration's `middleware` list cannot be used: which one, and what was expected. */
export class MiddlewareOptionsError extends Error {
  override readonly name = 'MiddlewareOptionsError';
}

/** The middleware of the configuration, in its order. Throws `MiddlewareOptionsError`. */
export function createMiddleware(entries: readonly { name: string; options: unknown }[]): Middleware[] {
  return entries.map(({ name, options }, i) => {
    const builtin = builtinMiddleware.find((one) => one.name === name);
    if (!builtin) {
      const known = builtinMiddleware.map((one) => one.name).join(', ');
      throw new MiddlewareOptionsError(`middleware[${i}] is "${name}"; expected one of ${known}.`);
    }
    if (entries.findIndex((other) => other.name === name) < i) {
      throw new MiddlewareOptionsError(`middleware[${i}] is "${name}" again; expected each once.`);
    }
    try {
      return builtin.create(options);
    } catch (thrown) {
      throw new MiddlewareOptionsError(problemsOf(`middleware[${i}].${name}`, thrown).join('\n'));
    }
  });
}

function problemsOf(place: string, thrown: unknown): string[] {
  if (!(thrown instanceof z.ZodError))
    return [`${place}: ${thrown instanceof Error ? thrown.message : thrown}`];
  return thrown.issues.map((issue) => `${[place, ...issue.path].join('.')}: ${issue.message}`);
}
