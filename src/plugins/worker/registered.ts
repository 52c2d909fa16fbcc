import type { Middleware } from '../../middleware/middleware.ts';
import { callbackNames, type Registrations } from '../registrations.ts';
import type { MiddlewareCallback, Registered } from './protocol.ts';

/** Nothing more is taken; what there is, for the service, which calls it by index. */
export function registeredIn(registrations: Registrations): Registered {
  registrations.close();
  return {
    middleware: registrations.middleware.map(({ name, middleware, priority }) => ({
      name,
      onFailure: middleware.onFailure,
      callbacks: callbackNames.filter(
        (callback): callback is MiddlewareCallback =>
          callback !== 'onChunk' && middleware[callback] !== undefined,
      ),
      priority,
    })),
    hooks: registrations.hooks.map(({ point, priority }) => ({ point, priority })),
  };
}

/** Throws where a middleware has the one callback that cannot wait for a thread. */
export function refuseChunks({ name, onChunk }: Middleware): void {
  if (onChunk === undefined) return;
  throw new TypeError(
    `Middleware '${name}' has onChunk, which answers at once: a stream cannot wait for a worker. Leave it out, or run without isolation.`,
  );
}
