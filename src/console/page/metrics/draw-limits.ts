import uPlot from 'uplot';
import type { Limit } from './limits.ts';
import { colour } from './palette.ts';

/** What is beyond the limit of an alert that fires, beneath everything else. */
export function tintBeyond(plot: uPlot, limits: readonly Limit[]): void {
  const { ctx, bbox } = plot;
  for (const limit of limits) {
    if (!limit.isDrawn || limit.alert.state !== 'firing') continue;
    const y = heightOf(plot, limit);
    const isAbove = limit.alert.comparison === 'above';
    ctx.save();
    ctx.fillStyle = colour(colourOf(limit), 0.12);
    ctx.fillRect(
      bbox.left,
      isAbove ? bbox.top : y,
      bbox.width,
      isAbove ? y - bbox.top : bbox.top + bbox.height - y,
    );
    ctx.restore();
  }
}

/** A dashed line for each limit, with its words. */
export function drawLimits(plot: uPlot, limits: readonly Limit[]): void {
  const drawn = limits.filter(({ isDrawn }) => isDrawn);
  for (const [i, limit] of drawn.entries()) {
    const words = drawn.length > 1 ? `${limit.alert.title}: ${limit.label}` : limit.label;
    drawLimit(plot, limit, words, i % 2 === 0);
  }
}

function drawLimit(plot: uPlot, limit: Limit, words: string, isOnRight: boolean): void {
  const { ctx, bbox } = plot;
  const scale = uPlot.pxRatio;
  const y = Math.round(heightOf(plot, limit));
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour(colourOf(limit));
  ctx.lineWidth = scale;
  ctx.setLineDash([5 * scale, 4 * scale]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.font = `${11 * scale}px system-ui, sans-serif`;
  ctx.textAlign = isOnRight ? 'right' : 'left';
  // Above the line, but for one at the upper edge.
  const isBelow = y - bbox.top < 14 * scale;
  ctx.textBaseline = isBelow ? 'top' : 'bottom';
  const x = isOnRight ? bbox.left + bbox.width - 4 * scale : bbox.left + 4 * scale;
  const textY = y + (isBelow ? 3 : -3) * scale;
  // The words stand out from lines that run behind them.
  ctx.lineJoin = 'round';
  ctx.lineWidth = 3 * scale;
  ctx.strokeStyle = colour('--surface');
  ctx.strokeText(words, x, textY);
  ctx.fillText(words, x, textY);
  ctx.restore();
}

function heightOf(plot: uPlot, { at, axis }: Limit): number {
  return plot.valToPos(at, axis, true);
}

function colourOf({ alert: { state, severity } }: Limit): string {
  if (state === 'firing') return severity === 'critical' ? '--bad' : '--warn';
  return state === 'pending' ? '--warn' : '--text-2';
}
