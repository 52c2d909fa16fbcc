import type { AlertState } from './alert.ts';

/** Where one alert stands. Times are ms since the epoch. */
export interface AlertStatus {
  readonly state: AlertState;
  /** When it came into this state. */
  readonly since: number;
  /** When it began to fire; of `firing` and `resolved` alone. */
  readonly firedAt: number | undefined;
}

/** What one evaluation has found. */
export interface Finding {
  readonly at: number;
  /** The figure is beyond the limit. One that is absent is not. */
  readonly isBeyond: boolean;
}

export function inactiveSince(at: number): AlertStatus {
  return { state: 'inactive', since: at, firedAt: undefined };
}

/**
 * The status after one more evaluation: inactive → pending → firing → resolved → inactive, by the rules of
 * Prometheus. What stays as it was stays the same object.
 * https://github.com/prometheus/prometheus/blob/v2.42.0/rules/alerting.go (`AlertingRule.Eval`)
 *
 * @param holdMs How long the figure has to be beyond the limit before the alert fires; 0: at once.
 */
export function nextStatus(status: AlertStatus, { at, isBeyond }: Finding, holdMs: number): AlertStatus {
  switch (status.state) {
    case 'inactive':
      return isBeyond ? began(at, holdMs) : status;
    case 'resolved':
      return isBeyond ? began(at, holdMs) : inactiveSince(at);
    case 'pending':
      if (!isBeyond) return inactiveSince(at);
      // The clock was set back: the hold time begins anew, rather than take as much longer.
      if (at < status.since) return began(at, holdMs);
      return at - status.since >= holdMs ? firingSince(at) : status;
    case 'firing':
      return isBeyond ? status : { state: 'resolved', since: at, firedAt: status.firedAt };
  }
}

function began(at: number, holdMs: number): AlertStatus {
  return holdMs <= 0 ? firingSince(at) : { state: 'pending', since: at, firedAt: undefined };
}

function firingSince(at: number): AlertStatus {
  return { state: 'firing', since: at, firedAt: at };
}
