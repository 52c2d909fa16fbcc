import type { Alert } from '../../alerts/alert.ts';
import type { Time } from './time.ts';

/** `/api/alerts` */
export interface AlertsView {
  /** Absent before the first time. */
  readonly evaluatedAt?: Time;
  readonly alerts: readonly AlertLine[];
}

/** Where `field` has a `*`, `of` stands for it. */
export interface AlertLine extends Omit<Alert, 'since' | 'firedAt' | 'withinSince' | 'of' | 'value'> {
  readonly of?: string;
  readonly value?: number;
  readonly since: Time;
  readonly firedAt?: Time;
  /** Of one that fires while its figure is not beyond the limit: since when that is so. */
  readonly withinSince?: Time;
  /** Where a snapshot has its figure: `memory.rssMb`. */
  readonly field: string;
  /** The figure is taken over so long; 0: at the moment. */
  readonly windowMs: number;
  /** So long it has to be beyond its limit before it fires: a pending one that stays so, so long after `since`. */
  readonly holdMs: number;
  /** A firing one whose figure stays within its limit is resolved so long after `withinSince`. */
  readonly keepMs: number;
}
