import type { Alert } from './alert.ts';

/** An alert for those outside: times are ISO 8601, what is absent is left out. */
export function describeAlert({ since, firedAt, ...alert }: Alert) {
  return {
    ...alert,
    since: new Date(since).toISOString(),
    firedAt: firedAt === undefined ? undefined : new Date(firedAt).toISOString(),
  };
}
