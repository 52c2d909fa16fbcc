import type { Snapshot } from '../../../snapshots/snapshot.ts';

/**
 * The snapshots that the page keeps, oldest first, with newer ones: each once, at most `max`, the newest. The same
 * array where nothing is new.
 */
export function withNewer(
  kept: readonly Snapshot[],
  more: readonly Snapshot[],
  max: number,
): readonly Snapshot[] {
  const last = kept.at(-1)?.at ?? Number.NEGATIVE_INFINITY;
  const newer = more.filter(({ at }) => at > last);
  return newer.length === 0 ? kept : [...kept, ...newer].slice(-max);
}
