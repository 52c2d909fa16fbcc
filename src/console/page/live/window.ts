import type { ExchangesTick } from '../../../admin/api/events.ts';
import type { ExchangeLine, ExchangesWindow } from '../../../admin/api/exchanges.ts';

/** Rows of ended exchanges that the list holds. Who wants to see further back narrows the filter. */
export const endedMax = 2_000;
/** Asked for at once. */
export const endedPerAsk = 200;
/** Rows of exchanges in flight: of more, only how many there are is told. */
export const runningMax = 100;

/** What the list knows of the exchanges that match its filter. Never changed: each answer makes another one. */
export interface LiveWindow {
  /** In flight, the last begun first. */
  readonly running: readonly ExchangeLine[];
  /** More are in flight, and match, than are in `running`. */
  readonly isMoreRunning: boolean;
  /** In flight, whatever the filter. */
  readonly inFlight: number;
  /** Those that ended, the last first. There is no gap: what matches and ended between two of them is here too. */
  readonly ended: readonly ExchangeLine[];
  /** What matches and ended up to this number is in `ended`, or older than that. Undefined: not asked yet. */
  readonly newest: number | undefined;
  /** Older ones match than the last of `ended`. */
  readonly hasOlder: boolean;
}

export const emptyWindow: LiveWindow = {
  running: [],
  isMoreRunning: false,
  inFlight: 0,
  ended: [],
  newest: undefined,
  hasOlder: false,
};

/** The same exchange has the same one while it runs and when it has ended; clients may use an id twice. */
export function keyOf({ id, kind, spanId, turn, startedAt }: ExchangeLine): string {
  return spanId ?? [id, kind, turn, startedAt].join('-');
}

export type Ask = 'running' | 'newest' | 'newer';

/**
 * What to ask for now, in this order. Those in flight come first: one that ends between the two answers is then in
 * both, and shown once, rather than in none.
 */
export function asksOf(window: LiveWindow, tick: ExchangesTick | undefined, isPaused: boolean): Ask[] {
  if (window.newest === undefined) return ['running', 'newest'];
  if (isPaused || !tick) return [];
  const asks: Ask[] = [];
  if (tick.inFlight > 0 || window.running.length > 0) asks.push('running');
  // Also where it is below: the service has begun anew, and counts from 1.
  if (tick.newest !== window.newest) asks.push('newer');
  return asks;
}

/** How many have ended since, whether or not they match: of them nothing more is known while the list is paused. */
export function heldBack(window: LiveWindow, tick: ExchangesTick | undefined): number {
  return Math.max(0, (tick?.newest ?? 0) - (window.newest ?? 0));
}

/** The newest ones, and nothing of what was known. */
export function withNewest(window: LiveWindow, answer: ExchangesWindow): LiveWindow {
  const ended = endedOf(answer).slice(0, endedMax);
  return {
    ...window,
    running: without(window.running, ended),
    inFlight: answer.inFlight,
    ended,
    newest: answer.newest,
    hasOlder: answer.isMore,
  };
}

/**
 * What ended after those that were known. Where more did than one answer holds, there is a gap between; it is not
 * chased, what was known is forgotten.
 */
export function withNewer(window: LiveWindow, answer: ExchangesWindow): LiveWindow {
  const { newest = 0 } = window;
  if (answer.newest < newest) return emptyWindow;
  if (answer.isMore) return withNewest(window, answer);
  const newer = endedOf(answer).filter(({ seq = 0 }) => seq > newest);
  const { inFlight } = answer;
  if (newer.length === 0) return { ...window, inFlight, newest: answer.newest };
  const ended = [...newer, ...window.ended];
  return {
    ...window,
    running: without(window.running, newer),
    inFlight,
    ended: ended.slice(0, endedMax),
    newest: answer.newest,
    hasOlder: window.hasOlder || ended.length > endedMax,
  };
}

/** Number of the one before which older ones are to be asked for; undefined where there are none, or no room. */
export function olderThan({ ended, hasOlder }: LiveWindow): number | undefined {
  return hasOlder && ended.length < endedMax ? ended.at(-1)?.seq : undefined;
}

/** What ended before `before`. An answer that comes after the window has begun anew is not taken. */
export function withOlder(window: LiveWindow, answer: ExchangesWindow, before: number): LiveWindow {
  if (window.ended.at(-1)?.seq !== before) return window;
  const older = endedOf(answer).filter(({ seq = before }) => seq < before);
  const ended = [...window.ended, ...older];
  return {
    ...window,
    running: without(window.running, older),
    ended: ended.slice(0, endedMax),
    hasOlder: answer.isMore || ended.length > endedMax,
  };
}

/** Those in flight. A window that was of an earlier life of the service is forgotten. */
export function withRunning(window: LiveWindow, answer: ExchangesWindow): LiveWindow {
  if (answer.newest < (window.newest ?? 0)) return emptyWindow;
  return {
    ...window,
    running: answer.exchanges.filter(({ seq }) => seq === undefined),
    isMoreRunning: answer.isMore,
    inFlight: answer.inFlight,
  };
}

/**
 * So many of those in flight, in their order: the longest running, for of them there is the most to see, and they stay
 * while one looks. Sessions, which stay for hours, only where there is room.
 */
export function longestRunning(running: readonly ExchangeLine[], max: number): readonly ExchangeLine[] {
  // One more is shown rather than told of.
  if (running.length <= max + 1) return running;
  const isSession = ({ kind }: ExchangeLine) => kind === 'session';
  const longestFirst = running.toReversed();
  const chosen = new Set(
    [...longestFirst.filter((line) => !isSession(line)), ...longestFirst.filter(isSession)].slice(0, max),
  );
  return running.filter((line) => chosen.has(line));
}

function endedOf({ exchanges }: ExchangesWindow): ExchangeLine[] {
  return exchanges.filter(({ seq }) => seq !== undefined);
}

/** Those in flight without those that have ended meanwhile. */
function without(running: readonly ExchangeLine[], ended: readonly ExchangeLine[]): readonly ExchangeLine[] {
  if (running.length === 0 || ended.length === 0) return running;
  const keys = new Set(ended.map(keyOf));
  return running.filter((line) => !keys.has(keyOf(line)));
}
