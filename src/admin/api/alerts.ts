import type { Alert } from '../../alerts/alert.ts';
import type { Time } from './time.ts';

/** `/api/alerts` */
export interface AlertsView {
  /** Absent before the first time. */
  readonly evaluatedAt?: Time;
  readonly alerts: readonly AlertLine[];
}

/** Where `field` has a `*`, `of` stands for it. */
export interface AlertLine extends Omit<Alert, 'since' | 'firedAt' | 'of' | 'value'> {
  readonly of?: string;
  readonly value?: number;
  readonly since: Time;
  readonly firedAt?: Time;
  /** Where a snapshot has its figure: `memory.rssMb`. */
  readonly field: string;
  /** The figure is taken over so long; 0: at the moment. */
  readonly windowMs: number;
  /** So long it has to be beyond its limit before it fires: a pending one that stays so, so long after `since`. */
  readonly holdMs: number;
}
