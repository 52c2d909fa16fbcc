import { effect, type Signal, signal } from '@preact/signals';
import { isLocked } from '../state/session.ts';
import { type Credential, type FormState, noCredential } from './form-state.ts';
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

/** Not in the browser's storage: a page that closes has forgotten it. */
export const credential: Signal<Credential> = signal(noCredential);

// Whoever signs in next is perhaps somebody else.
effect(() => {
  if (!isLocked.value) return;
  history.value = [];
  form.value = undefined;
  credential.value = noCredential;
});

export function remember(query: PastQuery): void {
  history.value = [query, ...history.peek()].slice(0, queriesMax);
}
