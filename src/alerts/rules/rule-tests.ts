import { stringify } from 'yaml';
import { labelName } from '../../telemetry/prometheus-names.ts';
import { duration } from '../duration.ts';
import type { InputSeries, Threshold } from '../threshold.ts';
import { annotations, digits } from '../wording.ts';
import { ruleName } from './rule-name.ts';
import { absentHoldMs, absentRule, isOurOwn, markOfOurs } from './rules.ts';
import { seriesNotation } from './series-notation.ts';

const minuteMs = 60_000;
/** From one evaluation to the next, where no window asks for shorter ones. */
const stepMsMax = 15_000;
/** Evaluations within the shortest window. */
const stepsPerWindow = 4;

/**
 * Tests of the rules for promtool, in YAML: each alert with its figure on the safe side of the limit, at it, beyond
 * it, and back again. Beside the instance that it is about stand one that is well, and a stranger whose metrics have
 * the same names.
 */
export function ruleTests(thresholds: readonly Threshold[]): string {
  const windows = thresholds.map(({ windowMs }) => windowMs).filter((windowMs) => windowMs > 0);
  const stepMs = Math.min(stepMsMax, ...windows.map((windowMs) => windowMs / stepsPerWindow));
  const tests = thresholds.flatMap((threshold) => {
    const few = threshold.exchangesMin === undefined ? [] : [fewExchanges(threshold, stepMs)];
    return [passage(threshold, stepMs), ...few];
  });
  const head =
    '# Generated beside alerts.rules.yml. Changes made here are lost. Run: promtool test rules alerts.test.yml\n';
  const file = {
    rule_files: ['alerts.rules.yml'],
    evaluation_interval: duration(stepMs),
    tests: [...tests, absence(stepMs)],
  };
  return head + stringify(file, { lineWidth: 0 });
}

const sick = { job: 'sightline', instance: 'sick:4001' };
const well = { job: 'sightline', instance: 'well:4001' };
const stranger = { job: 'stranger', instance: 'sick:4001' };
type Instance = typeof sick;

/** The figure of the sick instance, for so many steps. */
interface Phase {
  readonly figure: number;
  readonly steps: number;
}

function passage(threshold: Threshold, stepMs: number) {
  const { safe, at, beyond } = figuresAround(threshold);
  // So long that a window holds nothing else, and the sample before it.
  const full = Math.ceil(threshold.windowMs / stepMs) + 2;
  const hold = Math.ceil(threshold.holdMs / stepMs);
  const keep = Math.ceil(threshold.keepMs / stepMs);
  const phases: Phase[] = [
    { figure: safe, steps: full },
    { figure: at, steps: full },
    { figure: beyond, steps: Math.max(full, hold + 1) },
    { figure: safe, steps: full + keep },
  ];
  const [endOfSafe = 0, endOfAt = 0, endOfBeyond = 0, end = 0] = ends(phases);
  const states: (readonly [step: number, state: State])[] = [
    [endOfSafe, 'inactive'],
    [endOfAt, 'inactive'],
    // The first evaluation beyond the limit, and the last one before it has held long enough.
    ...(hold > 0 ? ([[endOfAt + 1, 'pending']] as const) : []),
    ...(hold > 1 ? ([[endOfAt + hold, 'pending']] as const) : []),
    [endOfAt + 1 + hold, 'firing'],
    [endOfBeyond, 'firing'],
    // The last evaluation before it has been within the limit for long enough, whenever it got there.
    [endOfBeyond + keep, 'firing'],
    [end, 'inactive'],
  ];
  return {
    name: threshold.id,
    interval: duration(stepMs),
    input_series: inputSeries(threshold, phases, stepMs),
    promql_expr_test: states
      .filter(([step], index) => step !== states[index + 1]?.[0])
      .map(([step, state]) => stateTest(threshold, step * stepMs, state)),
    alert_rule_test: [alertTest(threshold, endOfBeyond * stepMs, beyond), alertTest(threshold, end * stepMs)],
  };
}

/** However bad the figure, it is too few of which it is one. */
function fewExchanges(threshold: Threshold, stepMs: number) {
  const { windowMs, holdMs, exchangesMin = 0 } = threshold;
  const steps = Math.ceil((windowMs + holdMs) / stepMs) + 2;
  const phases = [{ figure: figuresAround(threshold).beyond, steps }];
  return {
    name: `${threshold.id}, of too few exchanges`,
    interval: duration(stepMs),
    input_series: inputSeries(threshold, phases, stepMs, exchangesMin - 1),
    promql_expr_test: [stateTest(threshold, steps * stepMs, 'inactive')],
  };
}

/** Of two instances one goes, which is no case for it; then the other does, and comes back. */
function absence(stepMs: number) {
  const { alert: alertname, labels, annotations } = absentRule;
  const hold = Math.ceil(absentHoldMs / stepMs);
  const [bothGone, back] = [8, 8 + hold + 4];
  const { name } = markOfOurs;
  const state = (step: number, alertstate?: 'pending' | 'firing') => ({
    expr: selector('ALERTS', { alertname }),
    eval_time: duration(step * stepMs),
    exp_samples:
      alertstate === undefined
        ? []
        : [{ labels: selector('ALERTS', { alertname, alertstate, ...labels }), value: 1 }],
  });
  const alerts = (step: number, isFiring: boolean) => ({
    eval_time: duration(step * stepMs),
    alertname,
    exp_alerts: isFiring ? [{ exp_labels: labels, exp_annotations: annotations }] : [],
  });
  return {
    name: 'absent',
    interval: duration(stepMs),
    // `stale` is what a scrape that fails leaves behind; `_` is no sample.
    input_series: [
      { series: selector(name, sick), values: '1x3 stale' },
      { series: selector(name, well), values: `1x${bothGone - 1} stale _x${back - bothGone - 1} 1x4` },
    ],
    promql_expr_test: [
      state(bothGone - 1),
      state(bothGone, 'pending'),
      state(bothGone + hold - 1, 'pending'),
      state(bothGone + hold, 'firing'),
      state(back - 1, 'firing'),
      state(back),
    ],
    alert_rule_test: [alerts(back - 1, true), alerts(back, false)],
  };
}

/** What `increase` and `rate` come to may be rounded, which must not bring it beyond the limit. */
const roundingShare = 1e-9;
/** Gauges in other units too, but for whole numbers up to this. */
const exactMax = 1_000;

function figuresAround(threshold: Threshold): { safe: number; at: number; beyond: number } {
  const { comparison, limit, windowMs, measure } = threshold;
  const { lowest, highest } = measure;
  const isAbove = comparison === 'above';
  const isExact = windowMs === 0 && Number.isInteger(limit) && limit <= exactMax;
  const rounding = isExact ? 0 : limit * roundingShare;
  const below = Number.isFinite(lowest) ? lowest : limit - 1;
  const above = Number.isFinite(highest) ? highest : 2 * limit + 1;
  return {
    safe: (limit + (isAbove ? below : above)) / 2,
    at: isAbove ? limit - rounding : limit + rounding,
    // As an annotation tells it.
    beyond: Number((isAbove ? above : below).toFixed(digits(threshold))),
  };
}

/** The step with which each phase ends. */
function ends(phases: readonly Phase[]): number[] {
  let sum = 0;
  return phases.map(({ steps }) => {
    sum += steps;
    return sum;
  });
}

function inputSeries(
  threshold: Threshold,
  phases: readonly Phase[],
  stepMs: number,
  exchanges = 2 * (threshold.exchangesMin ?? 1),
) {
  const { safe } = figuresAround(threshold);
  const healthy = phases.map(({ steps }) => ({ figure: safe, steps }));
  return [
    ...seriesOf(threshold, phases, exchanges, stepMs).map(of(sick)),
    ...seriesOf(threshold, healthy, exchanges, stepMs).map(of(well)),
    ...seriesOf(threshold, phases, exchanges, stepMs).filter(isStandard).map(of(stranger)),
  ];
}

interface Series extends Pick<InputSeries, 'name' | 'labels'> {
  readonly values: string;
}

function seriesOf(
  threshold: Threshold,
  phases: readonly Phase[],
  exchanges: number,
  stepMs: number,
): Series[] {
  const { measure, windowMs } = threshold;
  const mark = isOurOwn(measure) ? [] : [markOfOurs];
  const each = phases.map(({ figure }) => [...measure.series(figure, windowMs, exchanges), ...mark]);
  return (each[0] ?? []).map(({ name, labels, kind }, index) => {
    const stretches = phases.map(({ steps }, phase) => {
      const value = each[phase]?.[index]?.value ?? 0;
      return { value: kind === 'counter' ? (value * stepMs) / minuteMs : value, steps };
    });
    return { name, labels, values: seriesNotation(kind, stretches) };
  });
}

function isStandard({ name }: Series): boolean {
  return !name.startsWith('sightline_');
}

function of(instance: Instance) {
  return ({ name, labels, values }: Series) => ({
    series: selector(name, { ...instance, ...labels }),
    values,
  });
}

type State = 'inactive' | 'pending' | 'firing';

/** Prometheus writes `ALERTS` for alerts that are pending or fire, and for no other. */
function stateTest(threshold: Threshold, atMs: number, state: State) {
  const alertname = ruleName(threshold.id);
  const labels = selector('ALERTS', { alertname, alertstate: state, ...alertLabels(threshold) });
  return {
    expr: selector('ALERTS', { alertname }),
    eval_time: duration(atMs),
    exp_samples: state === 'inactive' ? [] : [{ labels, value: 1 }],
  };
}

function alertTest(threshold: Threshold, atMs: number, figure?: number) {
  const of = threshold.by === undefined ? undefined : 'one';
  const expected = (value: string) => ({
    exp_labels: alertLabels(threshold),
    exp_annotations: annotations(threshold, { instance: sick.instance, of, value }),
  });
  return {
    eval_time: duration(atMs),
    alertname: ruleName(threshold.id),
    exp_alerts: figure === undefined ? [] : [expected(figure.toFixed(digits(threshold)))],
  };
}

function alertLabels({ severity, by }: Threshold): Record<string, string> {
  return { severity, ...sick, ...(by !== undefined && { [labelName(by)]: 'one' }) };
}

function selector(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return pairs.length > 0 ? `${name}{${pairs.join(', ')}}` : name;
}
