import { SightlineError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { Logger } from '../log.ts';
import type { InFlight } from './in-flight.ts';

/** For the last words to clients whose exchanges are cut off at the deadline. */
const cutOffMs = 1_000;

/**
 * Lets what is in flight come to its end; what has not at the deadline is cut off and tells its client so. One that does
 * not take that is not waited for. Never rejects.
 */
export async function drain(
  inFlight: InFlight,
  { drainTimeoutMs }: Pick<Limits, 'drainTimeoutMs'>,
  log: Logger,
): Promise<void> {
  inFlight.drainAll();
  if (inFlight.size > 0) {
    log.info(`stopping: ${inFlight.size} exchanges have up to ${drainTimeoutMs} ms to end`);
  }
  const deadline = setTimeout(() => {
    log.warn(`${inFlight.size} exchanges did not end within ${drainTimeoutMs} ms and are cut off`);
    inFlight.failAll(new SightlineError('stopping'));
  }, drainTimeoutMs);
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const lastDeadline = setTimeout(resolve, drainTimeoutMs + cutOffMs);
  await Promise.race([inFlight.empty(), late]);
  clearTimeout(deadline);
  clearTimeout(lastDeadline);
}
