import './trace.css';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { TraceView } from '../../../admin/api/traces.ts';
import { Empty, Notice, NotKnown } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { address, go, listAddress } from '../routes.ts';
import { places } from '../shell/places.ts';
import { isUnreachable } from '../state/api.ts';
import { info } from '../state/info.ts';
import { SpanDetails } from './details.tsx';
import { type ExchangeFacts, exchangeOfSpan, exchangesOf } from './exchange-facts.ts';
import { ExchangeHead } from './exchange-head.tsx';
import { ExchangeList } from './exchange-list.tsx';
import { rangeOf } from './layout.ts';
import { TraceActions } from './trace-actions.tsx';
import { GoneNotice, TraceGone } from './trace-gone.tsx';
import { useTrace } from './use-trace.ts';
import { TraceWaterfall } from './waterfall.tsx';

interface TracePageProps {
  readonly traceId: string;
  readonly query: URLSearchParams;
}

export function TracePage({ traceId, query }: TracePageProps) {
  const { data: trace, error, isLoading, nowMs } = useTrace(traceId);
  if (!trace && error?.status === 404)
    return (
      <div class="tr">
        <TraceHead traceId={traceId} />
        <TraceGone traceId={traceId} />
      </div>
    );
  if (!trace)
    return (
      <div class="tr">
        <TraceHead traceId={traceId} />
        {isUnreachable(error) ? (
          <NotKnown />
        ) : error ? (
          <Notice kind="error" title="The trace cannot be shown">
            {error.message}
          </Notice>
        ) : (
          <p class="muted" role="status">
            {isLoading ? 'The trace is loaded …' : ''}
          </p>
        )}
      </div>
    );
  return (
    <LoadedTrace trace={trace} now={nowMs} query={query}>
      {error?.status === 404 && (
        <Notice kind="info" title="The trace is not kept any more">
          This is what was last known of it.
        </Notice>
      )}
    </LoadedTrace>
  );
}

interface LoadedTraceProps {
  readonly trace: TraceView;
  readonly now: number;
  readonly query: URLSearchParams;
  readonly children: preact.ComponentChildren;
}

function LoadedTrace({ trace, now, query, children }: LoadedTraceProps) {
  const { traceId, spans } = trace;
  const details = useRef<HTMLDivElement>(null);
  const waterfall = useRef<HTMLElement>(null);
  // The title that one came to went away with the waiting: the keys are for the spans then.
  useEffect(() => {
    if (document.activeElement === document.body)
      waterfall.current?.querySelector<HTMLElement>('[role="treegrid"]')?.focus({ preventScroll: true });
  }, []);
  const exchanges = useMemo(() => exchangesOf(trace, now), [trace, now]);
  const { exchange, spanId } = chosen(trace, exchanges, query);
  const span = spans.find((candidate) => candidate.spanId === spanId);
  const select = (to: { readonly exchange?: string | undefined; readonly span?: string | undefined }) =>
    go(address('traces', { id: traceId, ...to }), { replace: true });
  const selectSpan = (id: string) =>
    select({ exchange: (exchangeOfSpan(id, spans, exchanges) ?? exchange)?.id, span: id });
  return (
    <div class={exchanges.length > 1 ? 'tr tr-many' : 'tr'}>
      <TraceHead traceId={traceId}>
        <TraceActions traceId={traceId} exchange={exchange} />
      </TraceHead>
      {children}
      {exchange && <ExchangeHead exchange={exchange} />}
      {exchanges.length > 1 && (
        <ExchangeList
          exchanges={exchanges}
          selected={exchange}
          onSelect={({ id, spanId: own }) => select({ exchange: own ?? id })}
        />
      )}
      {spans.length === 0 && !trace.isRunning ? (
        <GoneNotice traceId={traceId} isSampled={exchange === undefined || exchange.isSampled} />
      ) : (
        <div class="tr-split">
          <section ref={waterfall} class="tr-waterfall" aria-label="Waterfall">
            {spans.length > 0 ? (
              <TraceWaterfall
                trace={trace}
                now={now}
                selected={spanId}
                onSelect={selectSpan}
                onOpen={() => details.current?.focus()}
              />
            ) : (
              <Empty title="No spans yet">They come as the exchange goes on.</Empty>
            )}
          </section>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and Enter in the waterfall leads here. */}
          <section ref={details} class="tr-details" tabIndex={0} aria-label="Details of the chosen span">
            {span ? (
              <SpanDetails
                key={span.spanId}
                span={span}
                now={now}
                originMs={rangeOf(spans, now).fromMs}
                isContentCaptured={info.value?.isContentCaptured}
              />
            ) : (
              <Empty title="No span is chosen">Choose one to read all that it tells.</Empty>
            )}
          </section>
        </div>
      )}
    </div>
  );
}

/**
 * What the address asks for, and what fits to it: the span's exchange, or the exchange's span. Nothing asked for: the
 * first exchange, and of it what talked to the model, which is what one comes for.
 */
function chosen(trace: TraceView, exchanges: readonly ExchangeFacts[], query: URLSearchParams) {
  const asked = query.get('span') ?? undefined;
  const spanId = trace.spans.some((span) => span.spanId === asked) ? asked : undefined;
  const named = query.get('exchange');
  const exchange =
    exchangeOfSpan(spanId, trace.spans, exchanges) ??
    exchanges.find((one) => one.spanId === named) ??
    exchanges.find(({ id }) => id === named) ??
    exchanges[0];
  const own = exchange?.kind === 'request' ? exchange.attempts.at(-1) : undefined;
  return { exchange, spanId: spanId ?? own?.spanId ?? exchange?.span?.spanId };
}

function TraceHead({
  traceId,
  children,
}: {
  readonly traceId: string;
  readonly children?: preact.ComponentChildren;
}) {
  const id = <span class="mono tr-id">{traceId}</span>;
  return (
    <PageHead title="Trace" back={{ title: places.live.title, href: listAddress.value }} note={id}>
      {children}
    </PageHead>
  );
}
