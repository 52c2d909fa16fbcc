import type { FaultName } from '../simulator/faults.ts';
import type { Weighted } from './chance.ts';

/** A way in which a backend misbehaves (`simulator/faults.ts`). */
export interface FaultRow extends Weighted {
  readonly fault: FaultName;
  readonly argument?: number;
}

/** Something that is the matter for a while. */
export interface Incident {
  readonly what: string;
  /** So many of the questions over HTTP meet it. */
  readonly share: number;
  /** How they do; an agent in a loop instead, where there are none. */
  readonly faults?: readonly [FaultRow, ...FaultRow[]];
}

/** Each has its day, and then it begins again. */
export const incidents: readonly [Incident, ...Incident[]] = [
  {
    what: 'streams break off',
    share: 0.2,
    faults: [
      { fault: 'sim-truncate', argument: 3, weight: 4 },
      { fault: 'sim-clean-cut', argument: 5, weight: 2 },
      { fault: 'sim-error-event', argument: 2, weight: 2 },
      { fault: 'sim-close', weight: 1 },
    ],
  },
  { what: 'an agent in a loop', share: 0.3 },
  {
    what: 'a quota is used up, and what still comes is slow',
    share: 0.3,
    faults: [
      { fault: 'sim-status', argument: 429, weight: 5 },
      { fault: 'sim-status', argument: 500, weight: 1 },
      { fault: 'sim-slow-start', argument: 6_000, weight: 3 },
      { fault: 'sim-slow-token', argument: 80, weight: 1 },
    ],
  },
];

/** Of a day, at the usual rate: ten minutes, five a second. */
const visitsPerDay = 3_000;

/** Early in the day: whoever has just begun to look sees it, its alerts fire, and they are over before the next one. */
export const incidentVisits = { from: 100, to: 550 };

/** What is the matter when a visit of this number comes, and for how long it has been: 0 to 1. */
export function incidentAt(number: number): { incident: Incident; progress: number } | undefined {
  const { from, to } = incidentVisits;
  const ofDay = number % visitsPerDay;
  const incident = incidents[Math.floor(number / visitsPerDay) % incidents.length];
  if (!incident || ofDay < from || ofDay >= to) return undefined;
  return { incident, progress: (ofDay - from) / (to - from) };
}
