import type { TimeRange } from './layout.ts';

/** A line of the axis. */
export interface Tick {
  /** ms since the epoch. */
  readonly atMs: number;
  /** Since the trace began. */
  readonly label: string;
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Above a second, what clocks have; below, 1, 2 and 5 of each power of ten. */
const longSteps = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * second),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * minute),
  ...[1, 2, 3, 6, 12, 24].map((n) => n * hour),
];

/** Nothing shorter can be looked at: clocks of spans have microseconds. */
const zoomMsMin = 0.05;

/** Of the time since `originMs`, at round moments of it; at most `ticksMax`. */
export function ticksOf({ fromMs, toMs }: TimeRange, originMs: number, ticksMax: number): Tick[] {
  const step = stepFor((toMs - fromMs) / Math.max(1, ticksMax - 1));
  const first = Math.ceil((fromMs - originMs) / step - 1e-6);
  const last = Math.floor((toMs - originMs) / step + 1e-6);
  const ticks: Tick[] = [];
  for (let i = first; i <= last && ticks.length < ticksMax; i += 1)
    ticks.push({ atMs: originMs + i * step, label: offsetLabel(i * step, step) });
  return ticks;
}

/** Of 12 px, rather too wide. */
const tickCharPx = 7;
/** From the line to its label, and at least from one label to the next. */
const tickGapPx = 12;

/** On which side of its line a tick's label stands, so that none is cut off or lies on another; undefined: on none. */
export function labelSides(
  ticks: readonly Tick[],
  view: TimeRange,
  widthPx: number,
): ('after' | 'before' | undefined)[] {
  let taken = 0;
  return ticks.map(({ atMs, label }) => {
    const at = fractionOf(view, atMs) * widthPx;
    const width = label.length * tickCharPx + tickGapPx;
    const fits = (from: number) => from >= taken && from + width <= widthPx;
    const side = fits(at) ? 'after' : fits(at - width) ? 'before' : undefined;
    if (side) taken = side === 'after' ? at + width : at;
    return side;
  });
}

/** The smallest round step that is no shorter. */
export function stepFor(ms: number): number {
  const wanted = Math.max(ms, 1e-4);
  const long = wanted > second / 2 ? longSteps.find((step) => step >= wanted) : undefined;
  if (long !== undefined) return long;
  if (wanted > second / 2) return Math.ceil(wanted / (24 * hour)) * 24 * hour;
  const power = 10 ** Math.floor(Math.log10(wanted) + 1e-9);
  const factor = [1, 2, 5].find((n) => n * power >= wanted * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** `250 ms`, `1.5 s`, `2:30 min`, `1:05:00 h`: as exact as the step asks for. */
export function offsetLabel(ms: number, step: number): string {
  const sign = ms < 0 ? '−' : '';
  const length = Math.abs(ms);
  if (length < step / 2) return '0';
  if (length < second) return `${sign}${trimmed(length, step)} ms`;
  if (length < minute) return `${sign}${trimmed(length / second, step / second)} s`;
  const whole = Math.floor(length / second + 1e-9);
  const rest = step < second ? trimmed((length % second) / second, step / second).slice(1) : '';
  const two = (n: number) => String(n).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${sign}${minutes}:${two(whole % 60)}${rest} min`;
  return `${sign}${Math.floor(minutes / 60)}:${two(minutes % 60)}${step < minute ? `:${two(whole % 60)}${rest}` : ''} h`;
}

/** Where a moment stands in the range: 0 at its start, 1 at its end, and beyond them. */
export function fractionOf({ fromMs, toMs }: TimeRange, atMs: number): number {
  return (atMs - fromMs) / (toMs - fromMs);
}

/** The part between two fractions of a range, within it; undefined of one too short to mean something. */
export function zoomed(range: TimeRange, one: number, other: number): TimeRange | undefined {
  const bounded = (fraction: number) => Math.min(1, Math.max(0, fraction));
  const [from, to] = [bounded(Math.min(one, other)), bounded(Math.max(one, other))];
  const length = range.toMs - range.fromMs;
  if ((to - from) * length < zoomMsMin) return undefined;
  return { fromMs: range.fromMs + from * length, toMs: range.fromMs + to * length };
}

/** Of a span that one looks at closer, on each side. */
const marginRatio = 0.05;

/** A span with a margin on each side, within the range; undefined where that is all of it. */
export function around(range: TimeRange, startMs: number, endMs: number): TimeRange | undefined {
  const margin = Math.max(zoomMsMin, (endMs - startMs) * marginRatio);
  const fromMs = Math.max(range.fromMs, startMs - margin);
  const toMs = Math.min(range.toMs, endMs + margin);
  return fromMs > range.fromMs || toMs < range.toMs ? { fromMs, toMs } : undefined;
}

/** A range of the same length, moved so that the span is seen; the same where it is already. */
export function followed(view: TimeRange, startMs: number, endMs: number): TimeRange {
  if (endMs >= view.fromMs && startMs <= view.toMs) return view;
  const length = view.toMs - view.fromMs;
  const fromMs = startMs < view.fromMs ? startMs - length * 0.1 : endMs - length * 0.9;
  return { fromMs, toMs: fromMs + length };
}

/** With as many places behind the point as the step has. */
function trimmed(value: number, step: number): string {
  const places = Math.min(6, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  return value.toFixed(places);
}
