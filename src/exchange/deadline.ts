/** What was waited for gave no answer in time. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** Something to be awaited: a promise, or what another library calls one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  return typeof (value as { readonly then?: unknown }).then === 'function';
}

/**
 * What `running` comes to; rejects with a `DeadlineError` when that takes too long. What it comes to after
 * its deadline, an error too, reaches nobody.
 */
export function withDeadline<T>(running: PromiseLike<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new DeadlineError(`no answer within ${timeoutMs} ms`)), timeoutMs);
    Promise.resolve(running)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
