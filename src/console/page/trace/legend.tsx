import './legend.css';
import { useMemo } from 'preact/hooks';
import type { TraceSpan } from '../../../admin/api/traces.ts';
import { endOf } from './layout.ts';
import { type Phase, phasesOf, stallsOf } from './phases.ts';
import { roleOf } from './span-facts.ts';

const phaseNames: Readonly<Record<Phase['name'], string>> = {
  waiting: 'waits for the reply',
  thinking: 'waits for the first token',
  streaming: 'streams, a mark for each chunk',
  reading: 'reads the reply',
};

interface LegendProps {
  readonly spans: readonly TraceSpan[];
  readonly now: number;
}

/** What the shades mean: of those alone that are there. */
export function Legend({ spans, now }: LegendProps) {
  // Scrolling changes none of it, nor does a moment.
  const { phases, roles, isStalled } = useMemo(() => present(spans, now), [spans]);
  return (
    <ul class="tw-legend" aria-label="Legend">
      {phases.map((name) => (
        <li key={name}>
          <i class={`tw-phase tw-${name}`} /> {phaseNames[name]}
        </li>
      ))}
      {isStalled && (
        <li>
          <i class="tw-stall" /> stalls
        </li>
      )}
      {roles.map((role) => (
        <li key={role}>
          <i class={`tw-bar tw-${role}`} /> {role}
        </li>
      ))}
    </ul>
  );
}

function present(spans: readonly TraceSpan[], now: number) {
  const phases = new Set(spans.flatMap((span) => phasesOf(span, endOf(span, now)).map(({ name }) => name)));
  const roles = new Set<string>(spans.map(roleOf));
  return {
    phases: (Object.keys(phaseNames) as Phase['name'][]).filter((name) => phases.has(name)),
    roles: ['middleware', 'hook'].filter((role) => roles.has(role)),
    isStalled: spans.some((span) => stallsOf(span, endOf(span, now)).length > 0),
  };
}
