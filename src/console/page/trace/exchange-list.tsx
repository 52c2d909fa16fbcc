import './exchange-list.css';
import { count, counted, duration } from '../parts/format.ts';
import { OutcomeBadge } from '../parts/outcome.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import type { ExchangeFacts } from './exchange-facts.ts';
import { titleOf } from './explain.ts';

interface ExchangeListProps {
  readonly exchanges: readonly ExchangeFacts[];
  readonly selected: ExchangeFacts | undefined;
  readonly onSelect: (exchange: ExchangeFacts) => void;
}

const rowPx = 30;

/** Those of a trace with several: a client's own trace, or a session and its turns. */
export function ExchangeList({ exchanges, selected, onSelect }: ExchangeListProps) {
  const turns = exchanges.filter(({ kind }) => kind === 'turn').length;
  const rest = exchanges.length - turns;
  const isSession = rest === 1 && exchanges[0]?.kind === 'session';
  const first = isSession ? 'Session' : rest > 0 && counted(rest, 'exchange');
  const label = [first, turns > 0 && counted(turns, 'turn')].filter(Boolean).join(', ');
  return (
    <section class="tr-exchanges" aria-label="Exchanges of this trace">
      <h2>{label}</h2>
      <div class="tr-exchanges-list" style={{ height: `${Math.min(6.5, exchanges.length) * rowPx + 22}px` }}>
        <VirtualList
          items={exchanges}
          rowHeight={rowPx}
          keyOf={keyOf}
          label={`${label} of this trace`}
          selected={selected && keyOf(selected)}
          onOpen={onSelect}
          header={<Header />}
          render={(exchange) => <Cells exchange={exchange} />}
        />
      </div>
    </section>
  );
}

function keyOf({ id, spanId, startMs }: ExchangeFacts): string {
  return spanId ?? `${id}-${startMs}`;
}

function Header() {
  return (
    <>
      <span role="columnheader">Exchange</span>
      <span role="columnheader">Outcome</span>
      <span role="columnheader" class="num">
        Duration
      </span>
      <span role="columnheader" class="num">
        First token
      </span>
      <span role="columnheader" class="num">
        Tokens in
      </span>
      <span role="columnheader" class="num">
        out
      </span>
    </>
  );
}

function Cells({ exchange }: { readonly exchange: ExchangeFacts }) {
  const { kind, model, outcome, isRunning, durationMs, firstTokenMs, usage } = exchange;
  return (
    <>
      <span role="gridcell" class={kind === 'turn' ? 'tr-clip tr-turn' : 'tr-clip'} dir="auto">
        {titleOf(exchange)} {model && <span class="muted">{model}</span>}
      </span>
      <span role="gridcell">
        <OutcomeBadge outcome={outcome} isRunning={isRunning} />
      </span>
      <span role="gridcell" class="num">
        {duration(durationMs)}
      </span>
      <span role="gridcell" class="num">
        {duration(firstTokenMs)}
      </span>
      <span role="gridcell" class="num">
        {count(usage.input)}
      </span>
      <span role="gridcell" class="num">
        {count(usage.output)}
      </span>
    </>
  );
}
