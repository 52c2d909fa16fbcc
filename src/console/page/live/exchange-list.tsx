import './exchange-list.css';
import { useMemo, useState } from 'preact/hooks';
import type { ExchangeLine } from '../../../admin/api/exchanges.ts';
import { count } from '../parts/format.ts';
import { Empty, NotKnown } from '../parts/notice.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { go } from '../routes.ts';
import { isUnreachable } from '../state/api.ts';
import { traceAddress } from '../trace/trace-address.ts';
import { durationScale } from './durations.ts';
import { ExchangeHeader, ExchangeRow } from './exchange-row.tsx';
import type { Feed } from './feed.ts';
import { type Filter, isFiltered, noFilter } from './filter.ts';
import { StartHere } from './start-here.tsx';
import { useIsNarrow } from './use-is-narrow.ts';
import { endedMax, keyOf, type LiveWindow, longestRunning } from './window.ts';

const rowHeights = { wide: 34, narrow: 58 };
/** Of those in flight: many would hide what has ended. */
const runningShown = { wide: 8, narrow: 4 };

/** Those in flight that are left out, or could be again. */
interface Fold {
  readonly hidden: number;
}
type Item = ExchangeLine | Fold;

interface ExchangeListProps {
  readonly feed: Feed;
  readonly filter: Filter;
  readonly isPaused: boolean;
  readonly onFilter: (filter: Filter) => void;
}

/** Those in flight, then those that ended, the last first. */
export function ExchangeList({ feed, filter, isPaused, onFilter }: ExchangeListProps) {
  const window = feed.window.value;
  const isNarrow = useIsNarrow();
  const [isUnfolded, setUnfolded] = useState(false);
  const lines = useMemo(() => [...window.running, ...window.ended], [window]);
  const shownMax = runningShown[isNarrow ? 'narrow' : 'wide'];
  const items = useMemo(() => itemsOf(window, isUnfolded, shownMax), [window, isUnfolded, shownMax]);
  const hasTenants = useMemo(() => lines.some(({ tenant }) => tenant !== undefined), [lines]);
  const scaleMs = useMemo(() => durationScale(lines), [lines]);
  const toldAt = useMemo(() => Date.now(), [window.running]);

  if (window.newest === undefined)
    return feed.error.value ? (
      <NotKnown>{isUnreachable(feed.error.value) ? undefined : feed.error.value.message}</NotKnown>
    ) : (
      <p class="muted live-note">Loading …</p>
    );
  if (lines.length === 0) return <Nothing filter={filter} window={window} onFilter={onFilter} />;
  const moment = { toldAt, isPaused, scaleMs };
  return (
    <>
      <div class={hasTenants ? 'live-card' : 'live-card no-tenant'} aria-busy={feed.isStale.value}>
        <VirtualList<Item>
          label="Exchanges"
          items={items}
          rowHeight={isNarrow ? rowHeights.narrow : rowHeights.wide}
          keyOf={(item) => ('hidden' in item ? 'fold' : keyOf(item))}
          header={<ExchangeHeader />}
          render={(item) =>
            'hidden' in item ? (
              <FoldRow hidden={item.hidden} onToggle={() => setUnfolded(!isUnfolded)} />
            ) : (
              <ExchangeRow line={item} moment={moment} />
            )
          }
          onNearEnd={() => feed.older()}
          onOpen={(item) => {
            if ('hidden' in item) return setUnfolded(!isUnfolded);
            const to = traceAddress(item);
            if (to !== undefined) go(to);
          }}
        />
      </div>
      <p class="muted live-note">{summaryOf(window, filter)}</p>
    </>
  );
}

function itemsOf({ running, ended }: LiveWindow, isUnfolded: boolean, shownMax: number): Item[] {
  const shown = isUnfolded ? running : longestRunning(running, shownMax);
  const hidden = running.length - shown.length;
  const hasFold = hidden > 0 || (isUnfolded && running.length > shownMax);
  return [...shown, ...(hasFold ? [{ hidden }] : []), ...ended];
}

function FoldRow({ hidden, onToggle }: { readonly hidden: number; readonly onToggle: () => void }) {
  return (
    <div class="live-fold" role="gridcell" aria-colspan={8}>
      <button type="button" class="button" tabIndex={-1} onClick={onToggle}>
        {hidden > 0 ? `${count(hidden)} more in flight` : 'Show fewer in flight'}
      </button>
    </div>
  );
}

interface NothingProps {
  readonly filter: Filter;
  readonly window: LiveWindow;
  readonly onFilter: (filter: Filter) => void;
}

function Nothing({ filter, window, onFilter }: NothingProps) {
  if (!isFiltered(filter) && window.inFlight === 0) return <StartHere />;
  return (
    <Empty title="Nothing fits the filter">
      <p>Of {count(window.newest)} exchanges those that ended last are searched, and those in flight.</p>
      <button type="button" class="button" onClick={() => onFilter(noFilter)}>
        Clear the filter
      </button>
    </Empty>
  );
}

function summaryOf(
  { running, isMoreRunning, inFlight, ended, hasOlder }: LiveWindow,
  filter: Filter,
): string {
  const which = isFiltered(filter) ? ' that fit' : '';
  const more = isMoreRunning ? ` (the newest of ${count(inFlight)})` : '';
  const end =
    hasOlder && ended.length >= endedMax
      ? ': narrow the filter to see further back'
      : hasOlder
        ? ', older ones below'
        : '';
  return `${count(running.length)} in flight${more}, ${count(ended.length)} ended${which}${end}.`;
}
