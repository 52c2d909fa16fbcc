import type { PluginView } from '../../../admin/api/plugins.ts';

/** Each a shape of its own, on a square of 12: nobody has to tell colours apart. */
const states: Readonly<Record<string, { readonly shape: string; readonly meaning: string }>> = {
  active: { shape: 'M2 6.4 4.8 9.2 10 3.4', meaning: 'Exchanges that begin now go through it.' },
  discovered: {
    shape: 'M6 1.6a4.4 4.4 0 1 0 0 8.8 4.4 4.4 0 0 0 0-8.8z',
    meaning: 'Its file was found, and waits for its turn.',
  },
  loading: { shape: 'M6 1.6A4.4 4.4 0 1 1 1.6 6', meaning: 'It is evaluated and initialized.' },
  draining: {
    shape: 'M3 1.5h6M3 10.5h6M3.5 1.5c0 4 5 5 5 9M8.5 1.5c0 4-5 5-5 9',
    meaning: 'Unloaded; exchanges that began with it still run.',
  },
  unloaded: { shape: 'M2 6h8', meaning: 'Not active; its file may still be there.' },
  rejected: {
    shape: 'M4 1.2h4L10.8 4v4L8 10.8H4L1.2 8V4zM3.8 6h4.4',
    meaning: 'Its newest version cannot be used, and none is active.',
  },
  failed: {
    shape: 'M2.5 2.5l7 7M9.5 2.5l-7 7',
    meaning: 'Its initialize threw or missed its deadline, and no version is active.',
  },
};

/** The state of a plugin, in a word and a sign. */
export function PluginBadge({ state }: Pick<PluginView, 'state'>) {
  const known = states[state];
  return (
    <span class={`plugin-state plugin-${state}`} title={known?.meaning}>
      <svg viewBox="0 0 12 12" aria-hidden="true" focusable="false">
        <path d={known?.shape ?? states.discovered?.shape} />
      </svg>
      {state}
    </span>
  );
}
