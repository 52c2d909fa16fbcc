import { isError, type Outcome } from '../exchange/outcome.ts';
import { cpuCapacity, type ProcessLook } from './process-figures.ts';
import { type Distribution, quantile } from './quantile.ts';
import type { Reading, Traffic } from './reading.ts';
import type { Snapshot } from './snapshot.ts';

/** What has a meaning at one moment alone. */
export interface Moment extends Pick<Snapshot, 'inFlight' | 'plugins' | 'upstreams'> {
  readonly process: ProcessLook;
}

/** The figures of the time between two readings, the later of which was taken at this moment. */
export function makeSnapshot(from: Reading, to: Reading, moment: Moment): Snapshot {
  const durationMs = to.steadyMs - from.steadyMs;
  const { process, ...rest } = moment;
  return {
    at: to.at,
    durationMs,
    ...(to.traffic && trafficFigures(from.traffic, to.traffic, durationMs)),
    memory: { rssMb: process.rssBytes / 1e6, heapMb: process.heapBytes / 1e6 },
    ...(durationMs > 0 && {
      cpu: cpuFigures((to.process.cpuSeconds - from.process.cpuSeconds) / (durationMs / 1000), process),
    }),
    ...eventLoopFigures(from, to, process),
    ...rest,
  };
}

function trafficFigures(from: Traffic | undefined, to: Traffic, durationMs: number) {
  const outcomes = [...to.outcomes].map(
    ([outcome, count]) => [outcome as Outcome, count - (from?.outcomes.get(outcome) ?? 0)] as const,
  );
  const exchanges = sum(outcomes.map(([, count]) => count));
  const failed = sum(outcomes.map(([outcome, count]) => (isError(outcome) ? count : 0)));
  const errors = failed - (to.clientFaults - (from?.clientFaults ?? 0));
  const duration = between(from?.duration, to.duration);
  const firstToken = between(from?.firstToken, to.firstToken);
  return {
    exchanges,
    errors,
    outcomes: Object.fromEntries(outcomes),
    ...(exchanges > 0 && { errorRatio: errors / exchanges }),
    ...(duration && {
      responseMs: {
        count: duration.count,
        average: (duration.sum / duration.count) * 1000,
        p50: quantileMs(duration, 0.5),
        p95: quantileMs(duration, 0.95),
        p99: quantileMs(duration, 0.99),
      },
    }),
    ...(firstToken && {
      firstTokenMs: {
        count: firstToken.count,
        p50: quantileMs(firstToken, 0.5),
        p95: quantileMs(firstToken, 0.95),
      },
    }),
    ...(to.tokens && { tokens: tokenFigures(from?.tokens, to.tokens, durationMs) }),
    telemetryDropped: to.dropped - (from?.dropped ?? 0),
  };
}

function tokenFigures(from: Traffic['tokens'], to: Traffic['tokens'], durationMs: number) {
  const of = (type: string) => (to?.get(type) ?? 0) - (from?.get(type) ?? 0);
  const [input, output] = [of('input'), of('output')];
  return { input, output, perMinute: (input + output) / (durationMs / 60_000) };
}

function cpuFigures(cpus: number, look: ProcessLook): NonNullable<Snapshot['cpu']> {
  return {
    processPercent: cpus * 100,
    ...(look.cpuLimit !== undefined && { sharePercent: (cpus / look.cpuLimit) * 100 }),
    capacityPercent: (cpus / cpuCapacity(look)) * 100,
  };
}

function eventLoopFigures(from: Reading, to: Reading, { delayP99Seconds }: ProcessLook) {
  const busyMs = to.process.loop.busyMs - from.process.loop.busyMs;
  const idleMs = to.process.loop.idleMs - from.process.loop.idleMs;
  if (delayP99Seconds === undefined || busyMs + idleMs <= 0) return undefined;
  return { eventLoop: { delayP99Ms: delayP99Seconds * 1000, utilization: busyMs / (busyMs + idleMs) } };
}

/** Undefined where nothing was counted in between. */
function between(from: Distribution | undefined, to: Distribution | undefined): Distribution | undefined {
  if (!to || to.count === (from?.count ?? 0)) return undefined;
  if (!from) return to;
  return {
    boundaries: to.boundaries,
    counts: to.counts.map((count, i) => count - (from.counts[i] ?? 0)),
    sum: to.sum - from.sum,
    count: to.count - from.count,
  };
}

function quantileMs(seconds: Distribution, q: number): number {
  return (quantile(seconds, q) ?? 0) * 1000;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
