/**
 * Times are noted with `performance.now()`, which never jumps; people want the wall clock. Both are read
 * once when an exchange begins, so its spans are exact among themselves, and right on the calendar also
 * after the machine slept or its clock was set.
 */
export interface Clock {
  /** `performance.now()` at the beginning, ms. */
  readonly startedAt: number;
  /** The same moment as ms since the epoch. */
  readonly startedEpochMs: number;
}

export function startClock(): Clock {
  return { startedAt: performance.now(), startedEpochMs: Date.now() };
}

/** A moment noted with `performance.now()` as ms since the epoch. */
export function epochMs(clock: Clock, at: number): number {
  return clock.startedEpochMs + (at - clock.startedAt);
}
