import { computed, effect, signal } from '@preact/signals';
import { AddressBar } from './address-bar.ts';
import { address, readRoute } from './route.ts';
import { wait } from './state/wait.ts';

export { address, type Route, readRoute, type ViewName, views } from './route.ts';

const hash = signal(location.hash);
const bar = new AddressBar({
  write: (to) => history.replaceState(null, '', to),
  wait,
});
addEventListener('hashchange', () => {
  bar.drop();
  hash.value = location.hash;
});
// Whoever reloads the page finds what was last chosen.
addEventListener('pagehide', () => bar.flush());

export const route = computed(() => readRoute(hash.value));

/** `replace`: the browser's way back does not lead here again. */
export function go(to: string, { replace = false } = {}): void {
  if (replace) {
    hash.value = to;
    bar.replace(to);
  } else {
    bar.flush();
    location.hash = to;
  }
}

/** Live as it was left, with its filter: a trace leads back there. */
export const listAddress = signal(address('live'));
effect(() => {
  const { view, unknown } = route.value;
  if (view === 'live' && unknown === undefined && hash.value !== '') listAddress.value = hash.value;
});
