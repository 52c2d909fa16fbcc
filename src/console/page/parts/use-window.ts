import type { RefObject } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { indexOfKey, movedBy, type Sight, windowOf } from './scroll-anchor.ts';

/** Rows above and below what one sees: a fast wheel finds them there. */
const overscan = 8;

interface WindowOptions<Item> {
  readonly items: readonly Item[];
  /** px. */
  readonly rowHeight: number;
  readonly keyOf: (item: Item) => string;
}

/** What lasts from one drawing to the next, and causes none by itself. */
interface Memory {
  scrollTop: number;
  /** Of what one sees, without the header. */
  height: number;
  first: number;
  end: number;
  /** Rows that came above while one looked elsewhere. */
  newer: number;
  /** Undefined where one looks at the newest. */
  sight: Sight | undefined;
  activeKey: string | undefined;
  activeIndex: number;
}

/** Which rows are in sight, which one is active, and what keeps them in their place when the items change. */
export function useWindow<Item>({ items, rowHeight, keyOf }: WindowOptions<Item>) {
  const scroller = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const redraw = useRedraw();
  const { current: memory } = useRef<Memory>({
    scrollTop: 0,
    height: 600,
    first: 0,
    end: 0,
    newer: 0,
    sight: undefined,
    activeKey: undefined,
    activeIndex: -1,
  });
  const rows = items.length;

  const activate = (index: number) => {
    const item = items[index];
    memory.activeKey = item === undefined ? undefined : keyOf(item);
    memory.activeIndex = item === undefined ? -1 : index;
  };
  if (memory.activeKey !== undefined)
    activate(indexOfKey(items, keyOf, memory.activeKey, memory.activeIndex));

  // What one sees goes where it was, before anything is painted. Where nothing of it is left, these are other items.
  const moved = memory.sight ? movedBy(memory.sight, items, keyOf) : 0;
  const scrollTop = moved === undefined ? 0 : Math.max(0, memory.scrollTop + moved * rowHeight);
  const look = (top: number) =>
    windowOf({ scrollTop: top, height: memory.height, rowHeight, rows, overscan });
  const { first, end } = look(scrollTop);
  const newer = moved === undefined ? 0 : Math.max(0, memory.newer + moved);
  Object.assign(memory, { first, end });

  const remember = () => {
    const { scrollTop: top, activeIndex } = memory;
    const index = Math.floor(top / rowHeight);
    const seen = items.slice(index, Math.ceil((top + memory.height) / rowHeight));
    const isNewestSeen = top < 1 && activeIndex <= 0;
    memory.sight = isNewestSeen ? undefined : { keys: seen.map(keyOf), index };
    if (top < 1) memory.newer = 0;
  };

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    if (moved !== 0) {
      memory.newer = newer;
      element.scrollTop = scrollTop;
    }
    memory.scrollTop = element.scrollTop;
    remember();
  });

  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    const hadNewer = memory.newer > 0;
    memory.scrollTop = element.scrollTop;
    memory.height = Math.max(rowHeight, element.clientHeight - (head.current?.offsetHeight ?? 0));
    remember();
    const next = look(memory.scrollTop);
    if (next.first !== memory.first || next.end !== memory.end || hadNewer !== memory.newer > 0) redraw();
  };
  useOnScroll(scroller, onScroll);

  const scrollTo = (top: number) => {
    if (scroller.current) scroller.current.scrollTop = top;
    onScroll();
    redraw();
  };

  return {
    scroller,
    head,
    first,
    end,
    newer,
    active: { key: memory.activeKey, index: memory.activeIndex },
    /** Rows that fit, less one that one has seen already. */
    page: () => Math.max(1, Math.floor(memory.height / rowHeight) - 1),
    /** Where a step with the keyboard begins: before the first row in sight, where none is active. */
    from: () => (memory.activeIndex >= 0 ? memory.activeIndex : Math.ceil(memory.scrollTop / rowHeight) - 1),
    /** Makes a row the active one, and brings it into sight. */
    choose(index: number) {
      activate(index);
      const top = index * rowHeight;
      const lowest = top + rowHeight - memory.height;
      scrollTo(Math.min(top, Math.max(lowest, memory.scrollTop)));
    },
    /** Makes the row that is under the pointer the active one. */
    point(key: string) {
      activate(indexOfKey(items, keyOf, key, memory.first));
      remember();
      redraw();
    },
    letGo() {
      activate(-1);
      remember();
      redraw();
    },
    toTop() {
      activate(-1);
      scrollTo(0);
      scroller.current?.focus({ preventScroll: true });
    },
  };
}

function useRedraw(): () => void {
  const [, setDrawing] = useState(0);
  return () => setDrawing((drawing) => drawing + 1);
}

/** Also when the element gets another size. */
function useOnScroll(scroller: RefObject<HTMLDivElement | null>, onScroll: () => void): void {
  const newest = useRef(onScroll);
  newest.current = onScroll;
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const changed = () => newest.current();
    const observer = new ResizeObserver(changed);
    observer.observe(element);
    element.addEventListener('scroll', changed, { passive: true });
    changed();
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', changed);
    };
  }, [scroller]);
}
