import './waterfall-row.css';
import { duration } from '../parts/format.ts';
import { annotationsOf } from './annotations.ts';
import { Bar } from './bar.tsx';
import { endOf, type Row, type TimeRange } from './layout.ts';
import { RoleIcon } from './role-icon.tsx';
import { labelOf, problemOf, roleNames, roleOf } from './span-facts.ts';

export interface RowProps {
  readonly row: Row;
  /** Of the element, for `aria-activedescendant`. */
  readonly id: string;
  /** In the whole grid, from 1, the head being the first. */
  readonly index: number;
  readonly top: number;
  readonly height: number;
  readonly view: TimeRange;
  readonly originMs: number;
  readonly now: number;
  readonly laneWidth: number;
  readonly isSelected: boolean;
  readonly onSelect: (row: Row) => void;
  readonly onOpen: (row: Row) => void;
  readonly onToggle: (row: Row) => void;
}

/** Indentation stops there: names have to have room. */
const indentMax = 8;

export function WaterfallRow(props: RowProps) {
  const { row, id, index, top, height, isSelected, onSelect, onOpen, onToggle } = props;
  const { node, level, position, siblings, isExpanded } = row;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid takes the keys, its rows are not focused themselves.
    <div
      role="row"
      id={id}
      class={isSelected ? 'tw-row tw-selected' : 'tw-row'}
      style={{ top: `${top}px`, height: `${height}px` }}
      aria-rowindex={index}
      aria-level={level}
      aria-posinset={position}
      aria-setsize={siblings}
      aria-selected={isSelected}
      aria-expanded={node.children.length > 0 ? isExpanded : undefined}
      tabIndex={-1}
      onClick={() => onSelect(row)}
      onDblClick={() => onOpen(row)}
    >
      <NameCell row={row} onToggle={onToggle} />
      <div role="gridcell" class="tw-cell-bar">
        <span class="visually-hidden">{barText(props)}</span>
        <Bar span={node.span} view={props.view} now={props.now} widthPx={props.laneWidth} />
      </div>
      <div role="gridcell" class="tw-cell-duration num">
        {duration(endOf(node.span, props.now) - node.span.startMs)}
        {node.span.endMs === undefined && <span class="visually-hidden"> so far</span>}
      </div>
    </div>
  );
}

function NameCell({ row, onToggle }: Pick<RowProps, 'row' | 'onToggle'>) {
  const { node, level, isExpanded, descendants, hiddenProblems } = row;
  const { span } = node;
  const role = roleOf(span);
  const { name, detail } = labelOf(span);
  const problem = problemOf(span);
  const isClosed = node.children.length > 0 && !isExpanded;
  return (
    <div
      role="gridcell"
      class="tw-cell-name"
      style={{ paddingInlineStart: `${(Math.min(level, indentMax) - 1) * 14}px` }}
      title={[name, detail, problem].filter(Boolean).join(' · ')}
    >
      {node.children.length > 0 ? (
        <span
          class={isExpanded ? 'tw-twisty tw-open' : 'tw-twisty'}
          aria-hidden="true"
          onClick={(event) => {
            event.stopPropagation();
            onToggle(row);
          }}
          onDblClick={(event) => event.stopPropagation()}
        />
      ) : (
        <span class="tw-twisty-none" />
      )}
      <RoleIcon role={role} />
      <span class="visually-hidden">{roleNames[role]} </span>
      <span class="tw-name" dir="auto">
        {name}
      </span>
      {detail && (
        <span class="tw-detail muted" dir="auto">
          {detail}
        </span>
      )}
      {isClosed && <span class="tw-count">{`+${descendants}`}</span>}
      {isClosed && hiddenProblems > 0 && <Problem text={`${hiddenProblems} below`} />}
      {problem && <Problem />}
    </div>
  );
}

/** A word where the bar does not say it. */
function Problem({ text }: { readonly text?: string }) {
  return (
    <span class="tw-trouble">
      <svg viewBox="0 0 10 10" width="8" height="8" aria-hidden="true">
        <path d="M1 1l8 8M9 1 1 9" />
      </svg>
      {text && <span>{text}</span>}
    </span>
  );
}

function barText({ row, originMs, now }: RowProps): string {
  const { span } = row.node;
  const endMs = endOf(span, now);
  return [
    `begins after ${duration(span.startMs - originMs)}`,
    ...annotationsOf(span, endMs).map(({ text }) => text),
    ...(span.chunks ? [`${span.chunks.count} chunks`] : []),
    ...(span.endMs === undefined ? ['still runs'] : []),
  ].join(', ');
}
