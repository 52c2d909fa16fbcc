import './now-strip.css';
import { address } from '../routes.ts';
import { snapshots, tick } from '../state/events.ts';
import { type NowFigure, nowFigures, sparkPath } from './now-figures.ts';

const spark = { width: 96, height: 22 };

/** What is going on now, in six figures. */
export function NowStrip() {
  return (
    <ul class="now" aria-label="Now">
      {nowFigures(snapshots.value, tick.value).map((figure) => (
        <li key={figure.label}>
          <Figure {...figure} />
        </li>
      ))}
    </ul>
  );
}

function Figure({ label, value, points, chart, isBad }: NowFigure) {
  return (
    <a class={isBad ? 'now-figure bad' : 'now-figure'} href={address('metrics', { chart })}>
      <span class="now-label">{label}</span>
      <span class="now-value">{value}</span>
      <svg viewBox={`0 -1 ${spark.width} ${spark.height + 2}`} aria-hidden="true" focusable="false">
        <path d={sparkPath(points, spark.width, spark.height)} />
      </svg>
    </a>
  );
}
