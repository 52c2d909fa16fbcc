import type { Snapshot } from '../snapshots/snapshot.ts';

/** How urgent: a `critical` one wakes somebody, a `warning` waits for the morning. */
export const severities = ['warning', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** What a threshold looks at, in Prometheus. */
export interface Measure {
  /** PromQL, in the unit of the threshold's limit; one series for each instance (and each `by`). */
  expression(windowMs: number): string;
  /** OpenTelemetry names of the metrics that it reads, as in `telemetry/names.ts`. */
  readonly metrics: readonly string[];
  /** What its figures can be: a limit beyond these is never passed, or always. */
  readonly lowest: number;
  readonly highest: number;
  /** An average over the whole window, also where there is less of it than that: as `rate` has it. */
  readonly isRate?: boolean;
  /** PromQL: how many exchanges went into the figure. */
  exchanges?(windowMs: number): string;
  /**
   * Series that make the expression have this value, for promtool, and others beside them that it must not count.
   * Where it is about exchanges, so many of them end within the window.
   */
  series(value: number, windowMs: number, exchanges: number): readonly InputSeries[];
}

/** A series of promtool's unit tests. Whose it is (`job` and `instance`), its test says. */
export interface InputSeries {
  /** As Prometheus has it. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What the counter grows by in a minute, or where the gauge stands. */
  readonly value: number;
  readonly kind: 'counter' | 'gauge';
}

/** A row of `thresholds.ts`. */
export interface Threshold {
  /** Lower case with dashes; the rule is called `Sightline` and the same in camel case. */
  readonly id: string;
  readonly title: string;
  /** Where a snapshot has it, as `figuresAt` reads it. */
  readonly field: FigurePath;
  /** The attribute (OpenTelemetry) that says whose figure it is, where the field has a `*`. */
  readonly by?: string;
  readonly measure: Measure;
  readonly comparison: 'above' | 'below';
  readonly limit: number;
  /** Of the limit and the figure: `MB`, `%`, `ms`, `days`, `tokens/min`; empty for counts and ratios. */
  readonly unit: string;
  /** The figure is 0 for no and more for yes, which no number tells people better than the summary. */
  readonly isYesOrNo?: boolean;
  /** The figure is taken over so long; for gauges, which only have a moment, 0. */
  readonly windowMs: number;
  /** How long it has to be beyond the limit before it fires. */
  readonly holdMs: number;
  /** How long it has to be within the limit again before that is told: what hovers about it is one incident. */
  readonly keepMs: number;
  /** Where fewer exchanges went into the figure, it says nothing: one failure of two is no ratio. */
  readonly exchangesMin?: number;
  /** Where a snapshot has their number; default `exchanges`. Of its `measure`, `exchanges`. */
  readonly exchangesField?: FigurePath;
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
  readonly keepMs?: number | undefined;
  readonly severity?: Severity | undefined;
}

/** The paths of a snapshot's figures: `memory.rssMb`, `upstreams.*.up`. */
export type FigurePath = PathIn<Snapshot>;

type PathIn<Node> = {
  [Key in keyof Node & string]-?: NonNullable<Node[Key]> extends number
    ? Step<Key>
    : `${Step<Key>}.${PathIn<NonNullable<Node[Key]>>}`;
}[keyof Node & string];

/** In a record, any name. */
type Step<Key extends string> = string extends Key ? '*' : Key;
