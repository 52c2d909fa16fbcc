import { type Figure, figuresAt, type Snapshot } from '../snapshots/snapshot.ts';
import type { Threshold } from './threshold.ts';

/**
 * What a threshold looks at in a snapshot of its window; nothing where too few exchanges ended for it. A rate over a
 * window is one over all of it, also where there is less of it: a burst in the first seconds of a process, or after
 * it was paused for long, is no rate of ten minutes.
 */
export function figuresOf(threshold: Threshold, snapshot: Snapshot): Figure[] {
  const { field, windowMs, measure, exchangesMin = 0, exchangesField = 'exchanges' } = threshold;
  const [exchanges] = figuresAt(snapshot, exchangesField);
  if ((exchanges?.value ?? 0) < exchangesMin) return [];
  const figures = figuresAt(snapshot, field);
  if (!measure.isRate) return figures;
  const share = Math.min(1, snapshot.durationMs / windowMs);
  return figures.map(({ of, value }) => ({ of, value: value * share }));
}
