import type { ChunkMarks, TraceSpan } from '../../../admin/api/traces.ts';
import { attribute, spanEvent } from '../../../telemetry/names.ts';
import { numberOf, roleOf } from './span-facts.ts';

/**
 * What an attempt, or a turn, waits for: the head of the reply, then the first output of the model; then it streams.
 * A reply that is no stream is `reading` after its head.
 */
export interface Phase {
  readonly name: 'waiting' | 'thinking' | 'streaming' | 'reading';
  readonly fromMs: number;
  readonly toMs: number;
}

/** A silence in a stream that is far longer than the others. */
export interface Stall {
  readonly fromMs: number;
  readonly toMs: number;
  /** Chunks that had come by then. */
  readonly afterChunk: number;
  /** Only some of the chunks are marked: the number is near the truth. */
  readonly isAbout: boolean;
  /** No chunk came after it. */
  readonly isLast: boolean;
}

/** Shorter ones are what networks do, and nobody waits for them. */
const stallMsMin = 500;
/** With fewer gaps a median says nothing. */
const gapsMin = 4;
/** Where there is no median. */
const stallMsAlone = 1_000;
const timesTheMedian = 8;
/** Worst first; more would say no more. */
const stallsMax = 5;

/** `endMs`: of the span, or the time up to which it has run. Empty of a span that waits for no model. */
export function phasesOf(span: TraceSpan, endMs: number): Phase[] {
  const role = roleOf(span);
  if (role !== 'attempt' && role !== 'turn') return [];
  const firstMs = firstOutputMs(span);
  const headMs = eventMs(span, spanEvent.replyHead);
  const phases: Phase[] = [];
  let fromMs = span.startMs;
  const until = (name: Phase['name'], toMs: number) => {
    const bounded = Math.min(Math.max(toMs, fromMs), Math.max(endMs, fromMs));
    if (bounded > fromMs) phases.push({ name, fromMs, toMs: bounded });
    fromMs = bounded;
  };
  if (headMs !== undefined) until('waiting', headMs);
  if (firstMs !== undefined) until(headMs === undefined ? 'waiting' : 'thinking', firstMs);
  until(lastPhase(span, headMs, firstMs), endMs);
  return phases;
}

/** When the first output of the model came, ms since the epoch. */
export function firstOutputMs(span: TraceSpan): number | undefined {
  const seconds = numberOf(span, attribute.genAiResponseTimeToFirstChunk);
  return (
    eventMs(span, spanEvent.firstChunk) ??
    span.chunks?.times[0] ??
    (seconds === undefined ? undefined : span.startMs + seconds * 1000)
  );
}

/** The worst first. */
export function stallsOf(span: TraceSpan, endMs: number): Stall[] {
  const { chunks } = span;
  if (!chunks || chunks.times.length === 0) return [];
  const { times } = chunks;
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? time));
  const min = gaps.length < gapsMin ? stallMsAlone : Math.max(stallMsMin, median(gaps) * timesTheMedian);
  const stalls: Stall[] = [];
  for (const [i, fromMs] of times.entries()) {
    const isLast = i === times.length - 1;
    const toMs = isLast ? endMs : (times[i + 1] ?? fromMs);
    if (toMs - fromMs < min) continue;
    stalls.push({ fromMs, toMs, isLast, ...numberedChunk(chunks, i) });
  }
  return stalls.sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs)).slice(0, stallsMax);
}

/** Of many chunks only some are marked, evenly chosen. */
function numberedChunk({ count, times }: ChunkMarks, index: number): Pick<Stall, 'afterChunk' | 'isAbout'> {
  if (count <= times.length) return { afterChunk: index + 1, isAbout: false };
  const share = times.length > 1 ? index / (times.length - 1) : 1;
  const isExact = index === 0 || index === times.length - 1;
  return { afterChunk: 1 + Math.round(share * (count - 1)), isAbout: !isExact };
}

function lastPhase(span: TraceSpan, headMs: number | undefined, firstMs: number | undefined): Phase['name'] {
  if (firstMs !== undefined) return 'streaming';
  if (headMs === undefined) return 'waiting';
  // A reply that ended without output was an error, or no stream.
  const isStream = span.attributes[attribute.genAiRequestStream] === true;
  return isStream && span.endMs === undefined ? 'thinking' : 'reading';
}

function eventMs({ events }: TraceSpan, name: string): number | undefined {
  return events.find((event) => event.name === name)?.timeMs;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
