/** Of areas: strokes on a square of 8 by 8, as SVG and canvas both draw them. */
export const patterns = {
  plain: '',
  up: 'M-2 2L2 -2M0 8L8 0M6 10L10 6',
  down: 'M6 -2L10 2M0 0L8 8M-2 6L2 10',
  cross: 'M0 0L8 8M0 8L8 0',
  level: 'M0 2H8M0 6H8',
  upright: 'M2 0V8M6 0V8',
  dots: 'M1 2h2M5 6h2',
  sparse: 'M3 4h2',
} as const;

export type PatternName = keyof typeof patterns;

export const patternSize = 8;

/** Of lines: lengths of strokes and gaps, in CSS pixels. */
export const dashes = { solid: [], dashed: [7, 4], dotted: [2, 3], dashDot: [9, 3, 2, 3] } as const;
