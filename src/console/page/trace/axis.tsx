import './axis.css';
import { useRef, useState } from 'preact/hooks';
import type { TimeRange } from './layout.ts';
import { fractionOf, labelSides, ticksOf, zoomed } from './time-axis.ts';

interface AxisProps {
  readonly view: TimeRange;
  /** When the trace began. */
  readonly originMs: number;
  readonly widthPx: number;
  readonly onZoom: (view: TimeRange) => void;
  readonly onReset: () => void;
}

/** Room for a label, px. */
const tickPx = 62;

/** The time since the trace began; one drags over it to look closer. */
export function Axis({ view, originMs, widthPx, onZoom, onReset }: AxisProps) {
  const lane = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<readonly [number, number]>();
  const fractionAt = (event: PointerEvent) => {
    const box = lane.current?.getBoundingClientRect();
    return box && box.width > 0 ? (event.clientX - box.left) / box.width : 0;
  };
  const end = (event: PointerEvent) => {
    if (!drag) return;
    setDrag(undefined);
    const to = fractionAt(event);
    // A click is no choice of a stretch.
    if (Math.abs(to - drag[0]) * widthPx < 4) return;
    const next = zoomed(view, drag[0], to);
    if (next) onZoom(next);
  };
  const ticks = ticksOf(view, originMs, ticksMax(widthPx));
  const sides = labelSides(ticks, view, widthPx);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what a pointer does here, keys do on the rows (z, Escape).
    <div
      ref={lane}
      class="tw-axis"
      title="Drag to look closer; double click for all"
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag([fractionAt(event), fractionAt(event)]);
      }}
      onPointerMove={(event) => drag && setDrag([drag[0], fractionAt(event)])}
      onPointerUp={end}
      onPointerCancel={() => setDrag(undefined)}
      onDblClick={onReset}
    >
      {ticks.map(({ atMs, label }, i) => (
        <span
          key={label}
          class={sides[i] === 'before' ? 'tw-tick tw-tick-before' : 'tw-tick'}
          style={at(view, atMs)}
        >
          {sides[i] && <span>{label}</span>}
        </span>
      ))}
      {drag && <div class="tw-drag" style={between(drag)} />}
    </div>
  );
}

/** Lines through all rows. */
export function GridLines({ view, originMs, widthPx }: Pick<AxisProps, 'view' | 'originMs' | 'widthPx'>) {
  return (
    <div class="tw-lines" aria-hidden="true">
      {ticksOf(view, originMs, ticksMax(widthPx)).map(({ atMs, label }) => (
        <i key={label} style={at(view, atMs)} />
      ))}
    </div>
  );
}

function ticksMax(widthPx: number): number {
  return Math.max(2, Math.floor(widthPx / tickPx) + 1);
}

function at(view: TimeRange, ms: number) {
  return { left: `${fractionOf(view, ms) * 100}%` };
}

function between([one, other]: readonly [number, number]) {
  const from = Math.max(0, Math.min(one, other));
  const to = Math.min(1, Math.max(one, other));
  return { left: `${from * 100}%`, width: `${(to - from) * 100}%` };
}
