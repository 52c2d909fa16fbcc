import type { TraceSpan } from '../../../admin/api/traces.ts';
import { attribute, spanEvent } from '../../../telemetry/names.ts';
import { count, counted, duration } from '../parts/format.ts';
import { stallText } from './annotations.ts';
import { endOf } from './layout.ts';
import { type Phase, phasesOf, stallsOf } from './phases.ts';
import { numberOf } from './span-facts.ts';

export interface Timing {
  readonly name: string;
  readonly value: string;
  readonly isBad?: boolean;
}

const phaseNames: Readonly<Record<Phase['name'], string>> = {
  waiting: 'Waiting for the reply',
  thinking: 'Head to first token',
  streaming: 'Streaming',
  reading: 'Reading the reply',
};

/** What an attempt's time went into. Empty of a span that waits for no model. */
export function timingsOf(span: TraceSpan, now: number): Timing[] {
  const endMs = endOf(span, now);
  const phases = phasesOf(span, endMs);
  if (phases.length === 0) return [];
  const chunks = span.chunks?.count ?? numberOf(span, attribute.outputChunks);
  const streaming = phases.find(({ name }) => name === 'streaming');
  const gapMs =
    streaming && chunks && chunks > 1 ? (streaming.toMs - streaming.fromMs) / (chunks - 1) : undefined;
  return [
    ...phases.map(({ name, fromMs, toMs }) => ({ name: phaseNames[name], value: duration(toMs - fromMs) })),
    ...(chunks === undefined ? [] : [{ name: 'Chunks', value: chunksText(chunks, gapMs) }]),
    ...stallsOf(span, endMs).map((stall) => ({ name: 'Stall', value: stallText(stall), isBad: true })),
    ...connects(span),
  ];
}

function chunksText(chunks: number, gapMs: number | undefined): string {
  return gapMs === undefined ? count(chunks) : `${count(chunks)}, one every ${duration(gapMs)}`;
}

function connects({ events }: TraceSpan): Timing[] {
  const tries = events.filter(({ name }) => name === spanEvent.connect).length;
  return tries > 1 ? [{ name: 'Connection', value: counted(tries, 'try', 'tries'), isBad: true }] : [];
}
