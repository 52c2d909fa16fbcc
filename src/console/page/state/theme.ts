import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const storageKey = 'sightline.theme';
const prefersDark = matchMedia('(prefers-color-scheme: dark)');
const isDarkOutside = signal(prefersDark.matches);
prefersDark.addEventListener('change', ({ matches }) => {
  isDarkOutside.value = matches;
});

/** As chosen; `auto`: as the system has it. Remembered, where the browser lets it. */
export const theme = signal<Theme>(remembered());

/** What one sees: for what is drawn in colours of its own. */
export const scheme: ReadonlySignal<'light' | 'dark'> = computed(() => {
  if (theme.value !== 'auto') return theme.value;
  return isDarkOutside.value ? 'dark' : 'light';
});

effect(() => {
  const { dataset } = document.documentElement;
  if (theme.value === 'auto') delete dataset.theme;
  else dataset.theme = theme.value;
});

export function choose(chosen: Theme): void {
  theme.value = chosen;
  try {
    localStorage.setItem(storageKey, chosen);
  } catch {
    // Private windows, and pages without storage: it lasts as long as the page.
  }
}

function remembered(): Theme {
  try {
    const found = localStorage.getItem(storageKey);
    return themes.find((known) => known === found) ?? 'auto';
  } catch {
    return 'auto';
  }
}
