import type { Snapshot } from '../../snapshots/snapshot.ts';
import type { AlertsView } from './alerts.ts';

/** The events of `/api/events`, by name. The id of each is the time of the newest snapshot that was sent. */
export interface ConsoleEvents {
  /** A new one; after a return, first those that were missed. */
  readonly snapshot: Snapshot;
  /** At once, and when something has changed since, at most four times a second. */
  readonly exchanges: ExchangesTick;
  /** At once, and with each evaluation. */
  readonly alerts: AlertsView;
  /** At once, and when something about the plugins has changed: ask `/api/plugins` anew. */
  readonly plugins: { readonly generation: number };
}

export interface ExchangesTick {
  readonly inFlight: number;
  /** As of `ExchangesWindow`. */
  readonly newest: number;
}
