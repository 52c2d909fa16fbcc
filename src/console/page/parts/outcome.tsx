import './outcome.css';
import { type Outcome, outcomes } from '../../../exchange/outcome.ts';

/** Each a shape of its own, on a square of 12: nobody has to tell colours apart. */
const shapes: Readonly<Record<Outcome | 'running', string>> = {
  completed: 'M2 6.4 4.8 9.2 10 3.4',
  client_aborted: 'M10.5 6H2M5 2.8 1.8 6 5 9.2',
  upstream_error: 'M6 1.2 11.2 10.6H.8zM6 4.6v2.6M6 8.8v.2',
  upstream_truncated: 'M1 6h4M6.5 2.5 5 9.5M9 2.5 7.5 9.5M10 6h1',
  upstream_unreachable: 'M6 1.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6zM2.7 2.7l6.6 6.6',
  timed_out: 'M6 1.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6zM6 3.4V6l1.9 1.4',
  blocked: 'M4 1.2h4L10.8 4v4L8 10.8H4L1.2 8V4zM3.8 6h4.4',
  failed: 'M2.5 2.5l7 7M9.5 2.5l-7 7',
  running: 'M6 1.6A4.4 4.4 0 1 1 1.6 6',
};

const meanings: Readonly<Record<Outcome | 'running', string>> = {
  ...outcomes,
  running: 'It has not ended yet.',
};

export interface OutcomeProps {
  /** Absent while it runs. */
  readonly outcome: Outcome | undefined;
  readonly isRunning?: boolean | undefined;
}

/** How an exchange ended, in a word and a sign; its meaning is told where the pointer rests. */
export function OutcomeBadge({ outcome, isRunning = outcome === undefined }: OutcomeProps) {
  const name = isRunning || outcome === undefined ? 'running' : outcome;
  return (
    <span class={`outcome outcome-${name.replaceAll('_', '-')}`} title={meanings[name]}>
      <svg viewBox="0 0 12 12" aria-hidden="true" focusable="false">
        <path d={shapes[name]} />
      </svg>
      <span>{wordsOf(name)}</span>
    </span>
  );
}

/** `upstream_error` → `upstream error`. */
export function wordsOf(outcome: string): string {
  return outcome.replaceAll('_', ' ');
}
