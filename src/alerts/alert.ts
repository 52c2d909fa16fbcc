import type { Severity } from './threshold.ts';

/** `resolved` is one that fired, for a while; then it is `inactive` again. */
export type AlertState = 'inactive' | 'pending' | 'firing' | 'resolved';

/** One threshold, of one upstream or plugin where it looks at several. */
export interface Alert {
  /** Id of the threshold. */
  readonly id: string;
  readonly title: string;
  /** Whose figure it is: name of an upstream or a plugin. */
  readonly of: string | undefined;
  readonly state: AlertState;
  /** The last figure, in the threshold's unit; absent where there was none. One that fires may be within the limit again. */
  readonly value: number | undefined;
  readonly comparison: 'above' | 'below';
  readonly limit: number;
  readonly unit: string;
  readonly severity: Severity;
  readonly summary: string;
  readonly action: string;
  /** When it came into this state, ms since the epoch; of `firing` and `resolved` also when it began to fire. */
  readonly since: number;
  readonly firedAt: number | undefined;
  /** Of one that fires: since when its figure is within the limit again, ms since the epoch; undefined while it is beyond. */
  readonly withinSince: number | undefined;
}
