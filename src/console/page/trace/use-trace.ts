import { useEffect, useMemo, useState } from 'preact/hooks';
import type { TraceView } from '../../../admin/api/traces.ts';
import { tick } from '../state/events.ts';
import { now } from '../state/now.ts';
import { type Data, useData } from '../state/use-data.ts';
import { clockAhead } from './service-clock.ts';
import { roleOf } from './span-facts.ts';

/** While a model answers; ticks tell only of what begins and ends. */
const streamPauseMs = 500;
/** While nothing but a session is open. */
const idlePauseMs = 3_000;

export interface RunningTrace extends Data<TraceView> {
  /** By the service's clock, ms since the epoch; stands still when the trace has ended. */
  readonly nowMs: number;
}

/** A trace, asked for anew while it runs. */
export function useTrace(traceId: string): RunningTrace {
  const [version, setVersion] = useState(0);
  const answer = useData<TraceView>(`/api/traces/${encodeURIComponent(traceId)}`, version);
  const trace = answer.data?.traceId === traceId ? answer.data : undefined;
  const isRunning = trace?.isRunning === true;
  const pauseMs = trace?.spans.some(isAnswering) ? streamPauseMs : idlePauseMs;
  const news = isRunning ? tick.value : undefined;

  useEffect(() => {
    if (news) setVersion((known) => known + 1);
  }, [news]);
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => {
      if (!document.hidden) setVersion((known) => known + 1);
    }, pauseMs);
    return () => clearInterval(timer);
  }, [isRunning, pauseMs]);

  const ahead = useMemo(() => (trace && clockAhead(trace, Date.now())) ?? 0, [trace]);
  return { ...answer, data: trace, nowMs: isRunning ? now.value + ahead : 0 };
}

function isAnswering(span: TraceView['spans'][number]): boolean {
  const role = roleOf(span);
  return span.endMs === undefined && (role === 'attempt' || role === 'turn' || role === 'request');
}
