import { effect, signal } from '@preact/signals';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const storageKey = 'sightline.theme';

/** As chosen; `auto`: as the system has it. Remembered, where the browser lets it. */
export const theme = signal<Theme>(remembered());

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
