import './live.css';
import { useCallback, useMemo, useRef, useState } from 'preact/hooks';
import { count } from '../parts/format.ts';
import { useKeys } from '../parts/keys.ts';
import { Notice } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { address, go } from '../routes.ts';
import { tick } from '../state/events.ts';
import { ExchangeList } from './exchange-list.tsx';
import { type Filter, readFilter } from './filter.ts';
import { FilterBar } from './filter-bar.tsx';
import { NowStrip } from './now-strip.tsx';
import { useFeed } from './use-feed.ts';
import { heldBack } from './window.ts';

/** What happens now, and what has just happened. */
export function LivePage({ query }: { readonly query: URLSearchParams }) {
  const filter = useMemo(() => readFilter(query), [query]);
  const [isHeld, setHeld] = useState(false);
  const [isScrolled, setScrolled] = useState(false);
  const list = useRef<HTMLDivElement>(null);
  const isPaused = isHeld || isScrolled;
  const feed = useFeed(filter, isPaused);
  const setFilter = useCallback((next: Filter) => go(address('live', { ...next }), { replace: true }), []);

  const resume = () => {
    setHeld(false);
    setScrolled(false);
    list.current?.querySelector('.vlist-scroll')?.scrollTo(0, 0);
  };
  const toggle = () => (isPaused ? resume() : setHeld(true));
  useKeys({ ' ': { label: 'Pause the list, or go on', run: toggle } });

  const error = feed.error.value;
  return (
    <>
      <PageHead title="Live">
        <PauseButton isPaused={isPaused} missed={heldBack(feed.window.value, tick.value)} onToggle={toggle} />
      </PageHead>
      <NowStrip />
      <FilterBar filter={filter} onChange={setFilter} />
      {error && error.status >= 400 && error.status !== 401 && (
        <Notice kind="error" title="The list is not up to date">
          {error.message}
        </Notice>
      )}
      <div ref={list} class="fill live-list" onScrollCapture={(event) => setScrolled(isDown(event.target))}>
        <ExchangeList feed={feed} filter={filter} isPaused={isPaused} onFilter={setFilter} />
      </div>
    </>
  );
}

function isDown(target: EventTarget | null): boolean {
  return target instanceof Element && target.scrollTop > 4;
}

interface PauseProps {
  readonly isPaused: boolean;
  readonly missed: number;
  readonly onToggle: () => void;
}

/** How many came is told once one asks for it, not as each comes. */
function PauseButton({ isPaused, missed, onToggle }: PauseProps) {
  return (
    <button
      type="button"
      class={isPaused ? 'button live-paused' : 'button'}
      aria-keyshortcuts="Space"
      title={isPaused ? 'Show what has ended since (Space)' : 'Let the list stand still (Space)'}
      onClick={onToggle}
    >
      <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        <path d={isPaused ? 'M5 3.5v9l7-4.5z' : 'M5.5 3.5v9M10.5 3.5v9'} />
      </svg>
      {isPaused ? `Paused: ${count(missed)} new` : 'Pause'}
    </button>
  );
}
