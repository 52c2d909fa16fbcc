import { computed, signal } from '@preact/signals';
import { readRoute } from './route.ts';

export { address, type Route, readRoute, type ViewName, views } from './route.ts';

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
});

export const route = computed(() => readRoute(hash.value));

/** `replace`: the browser's way back does not lead here again. */
export function go(to: string, { replace = false } = {}): void {
  if (replace) {
    history.replaceState(null, '', to);
    hash.value = location.hash;
  } else location.hash = to;
}
