import { useEffect, useState } from 'preact/hooks';
import type { ExchangesWindow } from '../../../admin/api/exchanges.ts';
import { address, go } from '../routes.ts';
import { info } from '../state/info.ts';
import { useData } from '../state/use-data.ts';
import { traceAddress } from '../trace/trace-address.ts';
import { useTrace } from '../trace/use-trace.ts';
import { TraceWaterfall } from '../trace/waterfall.tsx';
import type { Run } from './run.ts';

/** The trace of a query, as it grows. Give it a key of the run: what is here is of one. */
export function RunTrace({ run }: { readonly run: Run }) {
  const found = useExchange(run);
  return (
    <section class="card try-trace" aria-label="Trace of this query">
      <header class="try-answer-head">
        <h2>Trace</h2>
        {found && (
          <a class="button" href={found.href}>
            Open the trace
          </a>
        )}
      </header>
      {found ? <Waterfall traceId={found.traceId} exchange={run.id} /> : <NoTrace run={run} />}
    </section>
  );
}

interface Found {
  readonly traceId: string;
  readonly href: string;
}

const lookEveryMs = 250;
/** After the reply was there; then there is none. */
const patienceMs = 2_000;

/** The exchange is looked for until it is known; one that was refused before it began never is. */
function useExchange(run: Run): Found | undefined {
  const [looks, setLooks] = useState(0);
  const [found, setFound] = useState<Found>();
  const path = `/api/exchanges?${new URLSearchParams({ id: run.id, limit: '1' })}`;
  const { data } = useData<ExchangesWindow>(found ? undefined : path, looks);
  const [line] = data?.exchanges ?? [];
  const isLeftOut = line?.isSampled === false;
  useEffect(() => {
    const href = line && traceAddress(line);
    if (line?.traceId !== undefined && href !== undefined) setFound({ traceId: line.traceId, href });
  }, [line]);
  useEffect(() => {
    if (found || isLeftOut) return;
    const timer = setInterval(() => {
      const endedAt = run.endedAt.peek();
      if (endedAt !== undefined && Date.now() - endedAt > patienceMs) clearInterval(timer);
      else setLooks((before) => before + 1);
    }, lookEveryMs);
    return () => clearInterval(timer);
  }, [found, isLeftOut, run]);
  return found;
}

function whyNone(): string {
  return info.value?.isTelemetryEnabled === false
    ? 'telemetry is switched off'
    : 'it was refused before it began, or a sampler left it out';
}

function NoTrace({ run }: { readonly run: Run }) {
  return <p class="muted try-wait">{run.isRunning ? 'Looking for it …' : `There is none: ${whyNone()}.`}</p>;
}

function Waterfall({ traceId, exchange }: { readonly traceId: string; readonly exchange: string }) {
  const { data, error, nowMs } = useTrace(traceId);
  const [selected, setSelected] = useState<string>();
  if (!data) return <p class="muted try-wait">{error?.message ?? 'Loading …'}</p>;
  return (
    <TraceWaterfall
      trace={data}
      now={nowMs}
      selected={selected}
      onSelect={setSelected}
      onOpen={(span) => go(address('traces', { id: traceId, exchange, span }))}
      label="Spans of this query"
    />
  );
}
