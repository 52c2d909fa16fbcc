import type { TraceSpan } from '../../../admin/api/traces.ts';

/** A span in its place below others. */
export interface SpanNode {
  readonly span: TraceSpan;
  readonly children: readonly SpanNode[];
  /** It names a parent that is not among the spans: one of the client's, or one that is not kept any more. */
  readonly isOrphan: boolean;
}

/** A line of the waterfall. */
export interface Row {
  readonly node: SpanNode;
  /** 1 for those with nothing above them, as `aria-level` counts. */
  readonly level: number;
  /** Among those of the same parent, from 1. */
  readonly position: number;
  readonly siblings: number;
  readonly parentId: string | undefined;
  readonly isExpanded: boolean;
  /** All that are below it, whether they are shown or not. */
  readonly descendants: number;
  /** Of those that a closed row hides, how many went wrong. */
  readonly hiddenProblems: number;
}

/** A stretch of time, ms since the epoch; `toMs` is later than `fromMs`. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Nothing is drawn shorter: a trace of one moment still has an axis. */
const rangeMsMin = 0.01;

/**
 * Spans as trees, each level in the order in which they began. Every span is in it once, whatever parents they name:
 * of several with one id the one that has ended, and of a circle its first.
 */
export function treeOf(spans: readonly TraceSpan[]): SpanNode[] {
  const byId = new Map<string, TraceSpan>();
  for (const span of spans) if (byId.get(span.spanId)?.endMs === undefined) byId.set(span.spanId, span);
  const inOrder = [...byId.values()].sort(byStart);
  const below = Map.groupBy(inOrder, ({ parentSpanId }) => parentSpanId ?? '');
  const placed = new Set<string>();
  const grow = (span: TraceSpan, isOrphan: boolean): SpanNode => {
    placed.add(span.spanId);
    const children = (below.get(span.spanId) ?? []).filter(({ spanId }) => !placed.has(spanId));
    return { span, isOrphan, children: children.map((child) => grow(child, false)) };
  };
  const isBelowNothing = ({ parentSpanId }: TraceSpan) => !parentSpanId || !byId.has(parentSpanId);
  const trees = inOrder.filter(isBelowNothing).map((span) => grow(span, Boolean(span.parentSpanId)));
  for (const span of inOrder) if (!placed.has(span.spanId)) trees.push(grow(span, true));
  return trees.sort((a, b) => byStart(a.span, b.span));
}

/** What is to be seen, from above; `collapsed`: ids of spans whose children are hidden. */
export function rowsOf(
  trees: readonly SpanNode[],
  collapsed: ReadonlySet<string>,
  isProblem: (span: TraceSpan) => boolean = () => false,
): Row[] {
  const rows: Row[] = [];
  const add = (nodes: readonly SpanNode[], level: number, parentId: string | undefined) => {
    for (const [i, node] of nodes.entries()) {
      const { spanId } = node.span;
      const isExpanded = node.children.length > 0 && !collapsed.has(spanId);
      const { spans, problems } = below(node, isProblem);
      rows.push({
        node,
        level,
        parentId,
        isExpanded,
        position: i + 1,
        siblings: nodes.length,
        descendants: spans,
        hiddenProblems: isExpanded ? 0 : problems,
      });
      if (isExpanded) add(node.children, level + 1, spanId);
    }
  };
  add(trees, 1, undefined);
  return rows;
}

/** Ids of the spans above one, the nearest first. */
export function ancestorsOf(spans: readonly TraceSpan[], spanId: string | undefined): string[] {
  const parents = new Map(spans.map((span) => [span.spanId, span.parentSpanId]));
  const above: string[] = [];
  let at = spanId === undefined ? undefined : parents.get(spanId);
  while (at !== undefined && !above.includes(at)) {
    above.push(at);
    at = parents.get(at);
  }
  return above;
}

/** From the first beginning to the last end, of those that run to `now`; chunks and events count too. */
export function rangeOf(spans: readonly TraceSpan[], now: number): TimeRange {
  let fromMs = Number.POSITIVE_INFINITY;
  let toMs = Number.NEGATIVE_INFINITY;
  for (const span of spans) {
    fromMs = Math.min(fromMs, span.startMs);
    toMs = Math.max(toMs, endOf(span, now));
  }
  if (!Number.isFinite(fromMs)) return { fromMs: now, toMs: now + 1 };
  return { fromMs, toMs: Math.max(toMs, fromMs + rangeMsMin) };
}

/** The end of a span, or how far one that runs has come. Never before its start, whatever the clocks say. */
export function endOf({ startMs, endMs, chunks }: TraceSpan, now: number): number {
  return Math.max(startMs, endMs ?? Math.max(now, chunks?.times.at(-1) ?? startMs));
}

/** Where the rows begin, from above, and below the last one where they end. */
export function topsOf(rows: readonly Row[], heightOf: (row: Row) => number): number[] {
  const tops = [0];
  for (const row of rows) tops.push((tops.at(-1) ?? 0) + heightOf(row));
  return tops;
}

/** Those of the rows that are between two heights: first, and the one after the last. */
export function windowOf(tops: readonly number[], from: number, to: number): readonly [number, number] {
  const count = tops.length - 1;
  const first = Math.max(0, firstAbove(tops, from) - 1);
  return [Math.min(first, count), Math.min(count, firstAbove(tops, to))];
}

/** Index of the first that is greater. */
function firstAbove(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

function below(node: SpanNode, isProblem: (span: TraceSpan) => boolean) {
  let spans = 0;
  let problems = 0;
  for (const child of node.children) {
    const deeper = below(child, isProblem);
    spans += 1 + deeper.spans;
    problems += (isProblem(child.span) ? 1 : 0) + deeper.problems;
  }
  return { spans, problems };
}

function byStart(a: TraceSpan, b: TraceSpan): number {
  // What began together: the longer first, since it is what the others are part of.
  return (
    a.startMs - b.startMs ||
    (b.endMs ?? Number.MAX_VALUE) - (a.endMs ?? Number.MAX_VALUE) ||
    (a.spanId < b.spanId ? -1 : 1)
  );
}
