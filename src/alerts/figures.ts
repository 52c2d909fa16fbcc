import { type Figure, figuresAt, type Snapshot } from '../snapshots/snapshot.ts';
import type { Threshold } from './threshold.ts';

/** What a threshold looks at in a snapshot; nothing where too few exchanges ended for it. */
export function figuresOf({ field, exchangesMin = 0 }: Threshold, snapshot: Snapshot): Figure[] {
  return (snapshot.exchanges ?? 0) >= exchangesMin ? figuresAt(snapshot, field) : [];
}
