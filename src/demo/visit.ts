import type { Tenant } from './tenants.ts';

/** One query to one of the APIs. */
export interface Question {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** A reader who has seen enough: leaves after so many events of the stream. */
  readonly leavesAfter?: number | undefined;
}

interface VisitBase {
  /** A row of the mixture. */
  readonly kind: string;
  readonly tenant: Tenant;
}

/** What one client comes for; decided before it comes. */
export type Visit =
  | (VisitBase & { readonly over: 'http'; readonly question: Question })
  /** All at once on one connection to `/stream`. */
  | (VisitBase & { readonly over: 'stream'; readonly questions: readonly Question[] })
  /** One after the other in one realtime session. */
  | (VisitBase & {
      readonly over: 'realtime';
      readonly model: string;
      readonly turns: readonly string[];
      /** Closes in the middle of its last turn. */
      readonly leaves: boolean;
    });

/** How a query, or a turn, ended for who asked. */
export const endings = [
  'completed',
  /** Left on purpose, in the middle of the reply. */
  'hung_up',
  /** A status of 400 or above. */
  'refused',
  /** The reply began well, and then told of an error. */
  'failed_midway',
  /** The reply ended, or its connection, before it was whole. */
  'cut_off',
  /** Not even a status came. */
  'unreachable',
  /** It took longer than anybody waits. */
  'gave_up',
  /** The traffic was stopped meanwhile. */
  'stopped',
] as const;
export type Ending = (typeof endings)[number];

export interface Result {
  readonly ending: Ending;
  /** Tokens, as the reply told them. */
  readonly input?: number | undefined;
  readonly output?: number | undefined;
}

/** Why a visit's signal was aborted; every other reason is the traffic's own end. */
export const patienceEnded = 'patience';

/** How a query ends whose signal was aborted. */
export function endingOf(signal: AbortSignal): 'gave_up' | 'stopped' {
  return signal.reason === patienceEnded ? 'gave_up' : 'stopped';
}
