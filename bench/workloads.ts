import { setTimeout as sleep } from 'node:timers/promises';
import { saturate } from './load.ts';
import { type Ask, ask, chunkIntervalMs, chunksPerStream, replyBytes } from './payloads.ts';
import { cpuMicros } from './process-meter.ts';
import type { Subject } from './subjects.ts';

/** What a subject does after its last reply (telemetry, above all) belongs to its requests. */
const settleMs = 150;

/** Something to do, whose CPU time is measured. */
export interface Workload {
  readonly name: 'whole' | 'stream';
  readonly title: string;
  readonly ask: Ask;
  readonly connections: number;
  /** What the CPU time is divided by. */
  readonly unit: string;
  readonly unitsPerReply: number;
}

export const workloads: readonly Workload[] = [
  {
    name: 'whole',
    title: `whole chat replies of ${replyBytes} bytes on 64 connections`,
    ask: ask({ stream: false }),
    connections: 64,
    unit: 'request',
    unitsPerReply: 1,
  },
  {
    name: 'stream',
    title: `50 streams at once, ${chunksPerStream} chunks, one each ${chunkIntervalMs} ms`,
    ask: ask({ stream: true }),
    connections: 50,
    unit: 'chunk',
    unitsPerReply: chunksPerStream,
  },
];

/** By count, not by time: slow subjects would stay cold, and look up to three times worse. */
export async function warm(
  { origin }: Subject,
  { ask, connections }: Workload,
  replies: number,
): Promise<void> {
  await saturate(origin, ask, connections, (count) => count >= replies);
}

/** One slice of work. Resolves with µs of CPU per unit. */
export async function cpuPerUnit(subject: Subject, workload: Workload, forMs: number): Promise<number> {
  const { ask, connections, unitsPerReply } = workload;
  const before = cpuMicros(subject.pid);
  const deadline = performance.now() + forMs;
  const replies = await saturate(subject.origin, ask, connections, () => performance.now() >= deadline);
  await sleep(settleMs);
  return (cpuMicros(subject.pid) - before) / (replies * unitsPerReply);
}
