import '../../../src/console/page/styles/base.css';
import { render } from 'preact';
import { VirtualList } from '../../../src/console/page/parts/virtual-list.tsx';

/* A page with nothing but a list in it, moved by a test through `stage`. */

let items: readonly number[] = [];
let selected: string | undefined;
const opened: number[] = [];
const askedForMore: number[] = [];

function draw(): void {
  const root = document.getElementById('app');
  if (!root) return;
  render(
    <VirtualList
      items={items}
      rowHeight={30}
      keyOf={String}
      label="Numbers"
      header={<span {...{ role: 'columnheader' }}>Number</span>}
      selected={selected}
      onOpen={(item) => opened.push(item)}
      onNearEnd={() => askedForMore.push(items.length)}
      render={(item) => <span {...{ role: 'gridcell' }}>Row {item}</span>}
    />,
    root,
  );
}

const newestFirst = (newest: number, count: number) =>
  Array.from({ length: count }, (_, index) => newest - index);

Object.assign(globalThis, {
  stage: {
    opened,
    askedForMore,
    /** As many as `count`, the newest first. */
    show(newest: number, count: number) {
      items = newestFirst(newest, count);
      draw();
    },
    without(gone: readonly number[]) {
      items = items.filter((item) => !gone.includes(item));
      draw();
    },
    select(item: number) {
      selected = String(item);
      draw();
    },
  },
});
