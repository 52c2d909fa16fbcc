import type { Owner } from '../exchange/owner.ts';
import type { HookPoint, HookPoints } from './points.ts';

export type HookFailure = 'threw' | 'timed_out' | 'skipped';

/** One run of a plugin's callback. */
export interface HookRun {
  readonly point: HookPoint;
  readonly plugin: Owner;
  readonly payload: HookPoints[HookPoint];
  /** `performance.now()`. */
  readonly startedAt: number;
  /** To its answer, or to its deadline. */
  readonly durationMs: number;
  readonly failure: HookFailure | undefined;
  readonly error: Error | undefined;
  /** Of the error, in lines of the plugin's own source. */
  readonly frames: string | undefined;
}

export type BegunRun = Pick<HookRun, 'point' | 'plugin' | 'payload' | 'startedAt'>;

export function beginRun(point: HookPoint, plugin: Owner, payload: unknown): BegunRun {
  return { point, plugin, payload: payload as HookRun['payload'], startedAt: performance.now() };
}
