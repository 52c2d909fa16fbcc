import { type Signal, signal } from '@preact/signals';
import type { FormState } from './form-state.ts';
import type { Run } from './run.ts';

/** A query that was sent from here. */
export interface PastQuery {
  readonly state: FormState;
  readonly run: Run;
}

const queriesMax = 8;

/** The newest first, as long as the page is open; the first is the one that is shown. */
export const history: Signal<readonly PastQuery[]> = signal([]);

/** What is filled in, also when one comes back from another view. */
export const form: Signal<FormState | undefined> = signal(undefined);

export function remember(query: PastQuery): void {
  history.value = [query, ...history.peek()].slice(0, queriesMax);
}
