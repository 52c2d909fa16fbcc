import type { AlertLine } from '../../../admin/api/alerts.ts';

type State = AlertLine['state'];

/** Each a shape of its own, on a square of 16. */
const shapes: Readonly<Record<State, string>> = {
  firing: 'M8 1.5 15 14H1zM8 6v4M8 11.8v.4',
  pending: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 4.8V8l2.4 1.8',
  resolved: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM5.2 8.2l2 2 3.8-4.2',
  inactive: 'M4 8.4l2.8 2.8L12.2 5',
};

const meanings: Readonly<Record<State, string>> = {
  firing: 'Beyond the limit for as long as the alert waits, or so a short time ago.',
  pending: 'Beyond the limit, not yet for as long as the alert waits before it fires.',
  resolved: 'It fired, and has been within the limit for a while.',
  inactive: 'Within the limit.',
};

/** A state in a sign and a word. */
export function StateBadge({ state, severity }: Pick<AlertLine, 'state' | 'severity'>) {
  return (
    <span class={`alert-state is-${state} is-${severity}`} title={meanings[state]}>
      <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        <path d={shapes[state]} />
      </svg>
      <span>{state}</span>
    </span>
  );
}
