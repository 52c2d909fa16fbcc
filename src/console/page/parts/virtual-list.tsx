import './virtual-list.css';
import type { ComponentChildren, TargetedEvent, TargetedKeyboardEvent } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { count } from './format.ts';
import { Icon } from './icon.tsx';
import { headRole, listRoles } from './list-roles.ts';
import { indexOfKey, rowAfterKey } from './scroll-anchor.ts';
import { useWindow } from './use-window.ts';

export interface VirtualListProps<Item> {
  readonly items: readonly Item[];
  /** px. */
  readonly rowHeight: number;
  /** Different for each item, the same as long as it is the same item. */
  readonly keyOf: (item: Item) => string;
  /** What is in a row: with `header`, its cells, each with `role="gridcell"`. */
  readonly render: (item: Item, index: number) => ComponentChildren;
  /** What the list is of, for those who listen. */
  readonly label: string;
  /** Cells with `role="columnheader"`: the list becomes a grid, in which rows may have links and buttons. */
  readonly header?: ComponentChildren;
  /** Where one comes near the end: once for each number of items. */
  readonly onNearEnd?: (() => void) | undefined;
  /** By Enter, and by a click. */
  readonly onOpen?: ((item: Item) => void) | undefined;
  /** Key of the item that is open now. */
  readonly selected?: string | undefined;
}

/**
 * A list of any length, of which only what one sees is in the page. What one looks at stays in its place when rows
 * come or go above, once one has scrolled down or chosen a row; else one looks at the newest, at the top. Escape lets go
 * of the chosen row.
 *
 * The focus is the list's, and `aria-activedescendant` tells the row: a row that has the focus itself would lose it
 * when it leaves the page, or is moved by the next change.
 */
export function VirtualList<Item>(props: VirtualListProps<Item>) {
  const { items, rowHeight, keyOf, render, label, header, onNearEnd, onOpen, selected } = props;
  const id = useId();
  const pressed = useRef<string | undefined>(undefined);
  const view = useWindow({ items, rowHeight, keyOf });
  const { first, end, active } = view;

  const asked = useRef(-1);
  useEffect(() => {
    if (!onNearEnd || items.length === 0 || end < items.length || asked.current === items.length) return;
    asked.current = items.length;
    onNearEnd();
  }, [end, items.length, onNearEnd]);

  const chosen = selected === undefined ? -1 : indexOfKey(items, keyOf, selected, active.index);
  // Chosen elsewhere, it is brought into sight; once, since one may look at others then.
  useEffect(() => {
    if (chosen >= 0 && selected !== active.key) view.choose(chosen);
  }, [selected, chosen >= 0]);

  const open = (key: string | undefined) => {
    const item = key === undefined ? undefined : items.find((candidate) => keyOf(candidate) === key);
    if (item !== undefined) onOpen?.(item);
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = rowAfterKey(event.key, view.from(), items.length, view.page());
    if (target !== undefined) view.choose(target);
    else if (active.key === undefined) return;
    else if (event.key === 'Enter') open(active.key);
    else if (event.key === 'Escape') view.letGo();
    else return;
    event.preventDefault();
  };
  // Rows move under the pointer: what was pressed is meant, not what is there when it is let go.
  const onPointerDown = (event: TargetedEvent<HTMLDivElement>) => {
    pressed.current = keyAt(event.target);
    if (pressed.current !== undefined) view.point(pressed.current);
  };
  const onClick = (event: TargetedEvent<HTMLDivElement, MouseEvent>) => {
    const hasOwn = event.target instanceof Element && event.target.closest('a, button, input, label');
    const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (isPlain && !hasOwn && !event.defaultPrevented && !isTextSelected()) open(pressed.current);
    pressed.current = undefined;
  };

  const roles = listRoles[header === undefined ? 'listbox' : 'grid'];
  const isDrawn = active.index >= first && active.index < end;
  const attributes = {
    ...roles.list(items.length),
    'aria-label': label,
    'aria-activedescendant': isDrawn ? `${id}-${active.key}` : undefined,
    tabIndex: 0,
    onKeyDown,
    onPointerDown,
    onClick,
  };
  const rowOf = (item: Item, index: number) => {
    const key = keyOf(item);
    const rowAttributes = {
      ...roles.row(index, items.length),
      'aria-selected': key === selected,
      'data-key': key,
      id: `${id}-${key}`,
    };
    const look = `vlist-row${onOpen ? ' opens' : ''}${key === active.key ? ' active' : ''}`;
    return (
      <div key={key} class={look} style={{ height: `${rowHeight}px` }} {...rowAttributes}>
        {render(item, index)}
      </div>
    );
  };
  return (
    <div class="vlist">
      <div ref={view.scroller} class="vlist-scroll" {...attributes}>
        {header !== undefined && (
          <div ref={view.head} class="vlist-head" {...headRole}>
            {header}
          </div>
        )}
        <div class="vlist-body" style={{ height: `${items.length * rowHeight}px` }} {...roles.body}>
          <div class="vlist-window" role="none" style={{ transform: `translateY(${first * rowHeight}px)` }}>
            {items.slice(first, end).map((item, index) => rowOf(item, first + index))}
          </div>
        </div>
      </div>
      {view.newer > 0 && (
        <button type="button" class="button vlist-newer" onClick={view.toTop}>
          <Icon name="up" /> {count(view.newer)} newer
        </button>
      )}
    </div>
  );
}

function keyAt(target: EventTarget | null): string | undefined {
  const row = target instanceof Element ? target.closest('.vlist-row') : undefined;
  return row instanceof HTMLElement ? row.dataset.key : undefined;
}

/** Whoever marks an id to copy it does not want to go anywhere. */
function isTextSelected(): boolean {
  return getSelection()?.isCollapsed === false;
}
