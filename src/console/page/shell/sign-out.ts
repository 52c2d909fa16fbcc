import { type Signal, signal } from '@preact/signals';
import { call } from '../state/api.ts';
import { isLocked } from '../state/session.ts';

/** Why the last try to sign out did not succeed. */
export const signOutProblem: Signal<string | undefined> = signal(undefined);

export async function signOut(): Promise<void> {
  try {
    await call('/api/session', { method: 'DELETE' });
    signOutProblem.value = undefined;
    isLocked.value = true;
  } catch (thrown) {
    signOutProblem.value = thrown instanceof Error ? thrown.message : String(thrown);
  }
}
