import type { SpanRole } from './span-facts.ts';

/** Strokes in a square of 16. */
const shapes: Readonly<Record<SpanRole, string>> = {
  request: 'M2 8h9M8 4.5 11.5 8 8 11.5M14 3v10',
  session: 'M2 5.5h12M11 2.5l3 3-3 3M14 10.5H2M5 7.5l-3 3 3 3',
  attempt: 'M3 13 13 3M6 3h7v7',
  connection: 'M6.5 9.5l3-3M7 4.5l1.5-1.5a3 3 0 0 1 4.5 4.5L11.5 9M9 11.5 7.5 13A3 3 0 0 1 3 8.5L4.5 7',
  turn: 'M2.5 3h11v8h-6l-3 2.5V11h-2z',
  middleware: 'M8 2 14 5.2 8 8.4 2 5.2zM2 8.2l6 3.2 6-3.2M2 11l6 3.2L14 11',
  hook: 'M1.5 8C4 4.2 12 4.2 14.5 8 12 11.8 4 11.8 1.5 8zM8 6.4a1.6 1.6 0 1 0 .01 0z',
  other: 'M8 5a3 3 0 1 0 .01 0z',
};

export function RoleIcon({ role }: { readonly role: SpanRole }) {
  return (
    <svg class={`tw-icon tw-icon-${role}`} viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d={shapes[role]} />
    </svg>
  );
}
