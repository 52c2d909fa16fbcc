import type { AlertState } from './alert.ts';

/** Where one alert stands. */
export interface AlertStatus {
  readonly state: AlertState;
  /** When it came into this state, ms since the epoch. */
  readonly since: number;
  /** When it began to fire, ms since the epoch; of `firing` and `resolved` alone. */
  readonly firedAt: number | undefined;
  /** Since when it waits to fire or to be resolved, on the clock that is never set; absent where it does not. */
  readonly waitsSince: number | undefined;
}

/** What one evaluation has found. */
export interface Finding {
  /** ms since the epoch: for people alone, as that clock can be set. */
  readonly at: number;
  /** ms on the clock that is never set. */
  readonly steadyMs: number;
  /** The figure is beyond the limit. One that is absent is not. */
  readonly isBeyond: boolean;
}

export interface Patience {
  /** How long the figure has to be beyond the limit before the alert fires; 0: at once. */
  readonly holdMs: number;
  /** How long it has to be within the limit before the alert is resolved; 0: at once. */
  readonly keepMs: number;
}

export function inactiveSince(at: number): AlertStatus {
  return { state: 'inactive', since: at, firedAt: undefined, waitsSince: undefined };
}

/**
 * The status after one more evaluation: inactive → pending → firing → resolved → inactive, by the rules of
 * Prometheus (`for` and `keep_firing_for`). What stays as it was stays the same object.
 * https://github.com/prometheus/prometheus/blob/v2.42.0/rules/alerting.go (`AlertingRule.Eval`)
 */
export function nextStatus(status: AlertStatus, finding: Finding, { holdMs, keepMs }: Patience): AlertStatus {
  const { at, steadyMs, isBeyond } = finding;
  const { state, waitsSince = steadyMs } = status;
  const waitedMs = steadyMs - waitsSince;
  switch (state) {
    case 'inactive':
      return isBeyond ? began(finding, holdMs) : status;
    case 'resolved':
      return isBeyond ? began(finding, holdMs) : inactiveSince(at);
    case 'pending':
      if (!isBeyond) return inactiveSince(at);
      return waitedMs >= holdMs ? firingSince(at) : status;
    case 'firing':
      if (isBeyond) return waiting(status, undefined);
      return waitedMs >= keepMs ? resolvedAt(at, status) : waiting(status, waitsSince);
  }
}

function began({ at, steadyMs }: Finding, holdMs: number): AlertStatus {
  if (holdMs <= 0) return firingSince(at);
  return { state: 'pending', since: at, firedAt: undefined, waitsSince: steadyMs };
}

function firingSince(at: number): AlertStatus {
  return { state: 'firing', since: at, firedAt: at, waitsSince: undefined };
}

function waiting(status: AlertStatus, waitsSince: number | undefined): AlertStatus {
  return status.waitsSince === waitsSince ? status : { ...status, waitsSince };
}

function resolvedAt(at: number, { firedAt }: AlertStatus): AlertStatus {
  return { state: 'resolved', since: at, firedAt, waitsSince: undefined };
}
