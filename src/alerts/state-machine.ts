import type { AlertState } from './alert.ts';

/** Where one alert stands. */
export interface AlertStatus {
  readonly state: AlertState;
  /** When it came into this state, ms since the epoch. */
  readonly since: number;
  /** When it began to fire, ms since the epoch; of `firing` and `resolved` alone. */
  readonly firedAt: number | undefined;
  /** Since when the figure is within the limit again, ms since the epoch; of `firing` alone, absent while it is beyond. */
  readonly withinSince: number | undefined;
  /** Since when it waits for its next state, as `watchedMs`; absent where it does not. */
  readonly waitsSince: number | undefined;
}

/** What one evaluation has found. */
export interface Finding {
  /** ms since the epoch: for people alone, as that clock can be set. */
  readonly at: number;
  /** For how long it was looked, in all, ms: never less than before, and no more for a time in which nobody could. */
  readonly watchedMs: number;
  /** The figure is beyond the limit. One that is absent is not. */
  readonly isBeyond: boolean;
}

export interface Patience {
  /** How long the figure has to be beyond the limit before the alert fires; 0: at once. */
  readonly holdMs: number;
  /** How long it has to be within the limit before the alert is resolved; 0: at once. */
  readonly keepMs: number;
}

/** As long as Prometheus tells of it: who was called by it, and comes to look, finds it. */
export const resolvedMs = 15 * 60_000;

/** Of an incident that is not one yet. */
const neverFired = { firedAt: undefined, withinSince: undefined } as const;

export function inactiveSince(at: number): AlertStatus {
  return { state: 'inactive', since: at, ...neverFired, waitsSince: undefined };
}

/**
 * The status after one more evaluation: inactive → pending → firing → resolved → inactive, by the rules of
 * Prometheus (`for` and `keep_firing_for`). What stays as it was stays the same object.
 * https://github.com/prometheus/prometheus/blob/v2.42.0/rules/alerting.go (`AlertingRule.Eval`)
 */
export function nextStatus(status: AlertStatus, finding: Finding, { holdMs, keepMs }: Patience): AlertStatus {
  const { at, watchedMs, isBeyond } = finding;
  const { state, waitsSince = watchedMs } = status;
  const waitedMs = watchedMs - waitsSince;
  switch (state) {
    case 'inactive':
      return isBeyond ? began(finding, holdMs) : status;
    case 'resolved':
      if (isBeyond) return began(finding, holdMs);
      return waitedMs >= resolvedMs ? inactiveSince(at) : status;
    case 'pending':
      if (!isBeyond) return inactiveSince(at);
      return waitedMs >= holdMs ? firingSince(at) : status;
    case 'firing':
      if (isBeyond) return waiting(status, undefined, undefined);
      return waitedMs >= keepMs ? resolvedAt(finding, status) : waiting(status, waitsSince, at);
  }
}

function began({ at, watchedMs }: Finding, holdMs: number): AlertStatus {
  if (holdMs <= 0) return firingSince(at);
  return { state: 'pending', since: at, ...neverFired, waitsSince: watchedMs };
}

function firingSince(at: number): AlertStatus {
  return { state: 'firing', since: at, firedAt: at, withinSince: undefined, waitsSince: undefined };
}

function waiting(
  status: AlertStatus,
  waitsSince: AlertStatus['waitsSince'],
  withinSince: AlertStatus['withinSince'],
): AlertStatus {
  return status.waitsSince === waitsSince ? status : { ...status, withinSince, waitsSince };
}

function resolvedAt({ at, watchedMs }: Finding, { firedAt }: AlertStatus): AlertStatus {
  return { state: 'resolved', since: at, firedAt, withinSince: undefined, waitsSince: watchedMs };
}
