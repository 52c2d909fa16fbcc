import { SightlineError } from '../errors.ts';
import { DeadlineError } from '../exchange/deadline.ts';
import { framesIn } from '../exchange/owner.ts';
import type { StackEntry } from './stack.ts';

type Culprit = Pick<StackEntry, 'name' | 'owner'>;

/** What a middleware threw, as an error that names it. Its own refusals and requests stay what they are. */
export function middlewareError(entry: Culprit, thrown: unknown): SightlineError {
  if (thrown instanceof SightlineError && thrown.culprit !== undefined) return thrown;
  const culprit = culpritOf(entry);
  if (thrown instanceof SightlineError) {
    const { code, message, outcome } = thrown;
    // Refusals come often, and where they were thrown is told nowhere.
    const frames = outcome === 'failed' ? framesIn(entry.owner, thrown) : undefined;
    return new SightlineError(code, { message, culprit, cause: thrown, frames });
  }
  const isLate = thrown instanceof DeadlineError;
  return new SightlineError('middleware_failed', {
    message: `Middleware '${entry.name}' ${isLate ? `gave ${thrown.message}` : 'failed'}.`,
    culprit,
    cause: thrown,
    frames: isLate ? undefined : framesIn(entry.owner, thrown),
  });
}

/** A middleware that must not be skipped, and may not be called. */
export function breakerOpen(entry: Culprit): SightlineError {
  return new SightlineError('breaker_open', {
    message: `Middleware '${entry.name}' is out of order after repeated failures.`,
    culprit: culpritOf(entry),
  });
}

/** A plugin is told with its version, and what it brought where that has a name of its own. */
export function culpritOf({ name, owner }: Culprit): string {
  if (!owner) return name;
  const own = name.startsWith(`${owner.name}/`) ? name.slice(owner.name.length) : `/${name}`;
  return `${owner.name}@${owner.version}${name === owner.name ? '' : own}`;
}
