import { type Signal, signal } from '@preact/signals';

const dark = matchMedia('(prefers-color-scheme: dark)');
let chosen: MutationObserver | undefined;

/** Counts the changes between light and dark, while somebody reads it. */
export const themeChanges: Signal<number> = signal(0, {
  watched() {
    dark.addEventListener('change', change);
    chosen = new MutationObserver(change);
    chosen.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme', 'class'] });
  },
  unwatched() {
    dark.removeEventListener('change', change);
    chosen?.disconnect();
  },
});

const resolved = new Map<string, string>();

function change(): void {
  resolved.clear();
  themeChanges.value += 1;
}

/**
 * A colour of the style sheet for a canvas, which knows no variables: `--text`, or a mixture with the surface beneath
 * where less than all of it is wanted.
 */
export function colour(variable: string, share = 1): string {
  const key = `${variable} ${share}`;
  const known = resolved.get(key);
  if (known !== undefined) return known;
  const probe = document.createElement('span');
  probe.style.color =
    share === 1 ? `var(${variable})` : `color-mix(in srgb, var(${variable}) ${share * 100}%, var(--surface))`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  resolved.set(key, found);
  return found;
}
