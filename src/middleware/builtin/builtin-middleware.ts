import type { Middleware } from '../middleware.ts';

/** A middleware that the configuration can name. */
export interface BuiltinMiddleware {
  readonly name: string;
  /** One line, for the README's table. */
  readonly summary: string;
  /** Checks the options and makes it. Throws a `ZodError`. */
  readonly create: (options: unknown) => Middleware;
}
