import { type Signal, signal } from '@preact/signals';

/** The service asks for its token: nothing is shown until it has got it. */
export const isLocked: Signal<boolean> = signal(false);

const channel = 'signed in';

/** The browser has a session now, and with it every tab that shows this service. */
export function signedIn(): void {
  isLocked.value = false;
  const tabs = new BroadcastChannel(channel);
  tabs.postMessage(undefined);
  tabs.close();
}

/** Once, when the page begins. */
export function listenToOtherTabs(): void {
  new BroadcastChannel(channel).addEventListener('message', () => {
    isLocked.value = false;
  });
}
