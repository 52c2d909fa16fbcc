/** Drawn on a square of 16, in the colour of the text. Beside words, so readers of the screen pass them over. */
const paths = {
  live: 'M2 8.5h3l1.5-4.5 3 8 1.5-3.5h3',
  metrics: 'M2.5 2.5v11h11M5.5 10l2.5-3 2 1.5 3-4',
  plugins: 'M5 5.5h6v3a3 3 0 0 1-6 0zM6.5 5.5v-3M9.5 5.5v-3M8 11.5v2.5',
  alerts: 'M4 11V7a4 4 0 0 1 8 0v4l1 1H3zM6.8 14h2.4',
  try: 'M3 3.5h10v7H8.5L5.5 13v-2.5H3z',
  traces: 'M2.5 4h7M5.5 8h6M8.5 12h5',
  auto: 'M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11z',
  light:
    'M8 5.4a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2zM8 1.5v1.6M8 12.9v1.6M1.5 8h1.6M12.9 8h1.6M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M12.6 3.4l-1.1 1.1M4.5 11.5l-1.1 1.1',
  dark: 'M13 9.6A5.5 5.5 0 0 1 6.4 3 5.5 5.5 0 1 0 13 9.6z',
  signOut: 'M6.5 2.5h-3v11h3M7 8h6.5M11 5.5 13.5 8 11 10.5',
  copy: 'M5.5 5.5h7v7h-7zM10.5 5.5v-2h-7v7h2',
  check: 'M3 8.5l3.2 3.2L13 5',
  cross: 'M4 4l8 8M12 4l-8 8',
  up: 'M8 13V3.5M4 7.2 8 3.2l4 4',
  back: 'M13 8H3.5M7.2 4 3.2 8l4 4',
  warn: 'M8 2.5 14.2 13H1.8zM8 6.5v3M8 11.2v.3',
  info: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 7.3v3.7M8 5v.3',
  error: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.8v4M8 10.9v.3',
  keys: 'M1.8 4.5h12.4v7H1.8zM4.5 7h.1M7 7h.1M9.4 7h.1M11.8 7h.1M5 9.3h6',
  eye: 'M1.5 8c2.8-4.6 10.2-4.6 13 0-2.8 4.6-10.2 4.6-13 0zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
