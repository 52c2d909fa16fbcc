import { useEffect, useMemo, useState } from 'preact/hooks';
import type { TraceSpan } from '../../../admin/api/traces.ts';
import { ancestorsOf, type Row, rowsOf, treeOf } from './layout.ts';
import { problemOf } from './span-facts.ts';

export interface Rows {
  readonly rows: readonly Row[];
  /** Of those that are shown. */
  readonly problems: readonly Row[];
  /** Something is closed. */
  readonly isFolded: boolean;
  toggle(row: Row): void;
  expandAll(): void;
}

const none: ReadonlySet<string> = new Set();

/** The rows of spans, which one can open and close. What is chosen from elsewhere is never hidden. */
export function useRows(spans: readonly TraceSpan[], selected: string | undefined): Rows {
  const [collapsed, setCollapsed] = useState(none);
  const trees = useMemo(() => treeOf(spans), [spans]);
  const rows = useMemo(() => rowsOf(trees, collapsed, isProblem), [trees, collapsed]);
  const problems = useMemo(() => rows.filter(({ node }) => isProblem(node.span)), [rows]);
  // Only a new choice opens what was closed.
  useEffect(() => {
    const above = ancestorsOf(spans, selected);
    if (above.some((id) => collapsed.has(id)))
      setCollapsed(new Set([...collapsed].filter((id) => !above.includes(id))));
  }, [selected]);
  return {
    rows,
    problems,
    isFolded: collapsed.size > 0,
    toggle({ node: { span }, isExpanded }) {
      const next = new Set(collapsed);
      if (isExpanded) next.add(span.spanId);
      else next.delete(span.spanId);
      setCollapsed(next);
    },
    expandAll: () => setCollapsed(none),
  };
}

function isProblem(span: TraceSpan): boolean {
  return problemOf(span) !== undefined;
}
