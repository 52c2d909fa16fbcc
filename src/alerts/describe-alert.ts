import type { Alert } from './alert.ts';

/** An alert for those outside: times are ISO 8601, what is absent is left out. */
export function describeAlert({ of, value, since, firedAt, withinSince, ...alert }: Alert) {
  return {
    ...alert,
    ...(of !== undefined && { of }),
    ...(value !== undefined && { value }),
    since: new Date(since).toISOString(),
    ...(firedAt !== undefined && { firedAt: new Date(firedAt).toISOString() }),
    ...(withinSince !== undefined && { withinSince: new Date(withinSince).toISOString() }),
  };
}
