import { Icon } from '../parts/icon.tsx';
import { choose, type Theme, theme, themes } from '../state/theme.ts';

const words: Readonly<Record<Theme, string>> = { auto: 'As the system', light: 'Light', dark: 'Dark' };

export function ThemeSwitch() {
  return (
    <fieldset class="theme-switch">
      <legend class="visually-hidden">Theme</legend>
      {themes.map((one) => (
        <label key={one} title={words[one]}>
          <input
            type="radio"
            name="theme"
            class="visually-hidden"
            checked={theme.value === one}
            onChange={() => choose(one)}
          />
          <Icon name={one} />
          <span class="visually-hidden">{words[one]}</span>
        </label>
      ))}
    </fieldset>
  );
}
