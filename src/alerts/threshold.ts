/** How urgent: a `critical` one wakes somebody, a `warning` waits for the morning. */
export const severities = ['warning', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** What a threshold looks at, in Prometheus. */
export interface Measure {
  /** PromQL, in the unit of the threshold's limit; one series for each instance (and each `by`). */
  expression(windowMs: number): string;
  /** OpenTelemetry names of the metrics that it reads, as in `telemetry/names.ts`. */
  readonly metrics: readonly string[];
  /** Series that make the expression have exactly this value, for promtool. */
  series(value: number, windowMs: number): readonly InputSeries[];
}

/** As promtool's unit tests write series: values in the shape `0+2x10`, one a minute. */
export interface InputSeries {
  readonly series: string;
  /** What the counter grows by, or the gauge stands at, each minute while the threshold's value is as asked for. */
  readonly value: number;
  readonly kind: 'counter' | 'gauge';
}

/** A row of `thresholds.ts`. */
export interface Threshold {
  /** Lower case with dashes; the rule is called `Sightline` and the same in camel case. */
  readonly id: string;
  readonly title: string;
  /** Where a snapshot has it, as `figuresAt` reads it. */
  readonly field: string;
  /** The attribute (OpenTelemetry) that says whose figure it is, where the field has a `*`. */
  readonly by?: string;
  readonly measure: Measure;
  readonly comparison: 'above' | 'below';
  readonly limit: number;
  /** Of the limit and the figure: `MB`, `%`, `ms`, `days`, `tokens/min`; empty for counts and ratios. */
  readonly unit: string;
  /** The figure is taken over so long; for gauges, which only have a moment, 0. */
  readonly windowMs: number;
  /** How long it has to be beyond the limit before it fires. */
  readonly holdMs: number;
  readonly severity: Severity;
  /** One sentence: what is the matter. */
  readonly summary: string;
  /** What to do, for whoever is woken by it. */
  readonly action: string;
}

/** What the configuration may say of a threshold. */
export interface ThresholdOverride {
  readonly enabled?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly windowMs?: number | undefined;
  readonly holdMs?: number | undefined;
  readonly severity?: Severity | undefined;
}
