import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { attribute, metric } from '../telemetry/names.ts';
import { faultyReasons } from '../telemetry/sdk/losses.ts';
import { distributionOf, histogramPoints, ownMetric } from './own-metrics.ts';
import type { ProcessLook } from './process-figures.ts';
import type { Distribution } from './quantile.ts';

/** The sums of one moment: two of them make the figures of the time between. */
export interface Reading {
  /** ms since the epoch. */
  readonly at: number;
  /** The same moment on a clock that is never set, ms. */
  readonly steadyMs: number;
  /** Absent where telemetry is disabled, and of the first look: before it there was nothing. */
  readonly traffic: Traffic | undefined;
  readonly process: Pick<ProcessLook, 'cpuSeconds' | 'loop'>;
}

/** All of it since the process began, over all labels that are not named here. */
export interface Traffic {
  readonly outcomes: ReadonlyMap<string, number>;
  /** Those of the outcomes that are mistakes of clients. */
  readonly clientFaults: number;
  /** Of requests, seconds. */
  readonly duration: Distribution | undefined;
  /** Seconds. */
  readonly firstToken: Distribution | undefined;
  /** By `gen_ai.token.type`. */
  readonly tokens: ReadonlyMap<string, number> | undefined;
  /** On its way to somebody who waits for it. */
  readonly dropped: number;
}

/**
 * From the points that `/metrics` shows too, so that both tell the same. Undefined where there are none of
 * exchanges, which have points from the beginning.
 */
export function readTraffic(points: ResourceMetrics): Traffic | undefined {
  const find = (row: { readonly name: string }) => ownMetric(points, row);
  const outcomes = sumsBy(attribute.outcome, find(metric.outcomes));
  if (!outcomes) return undefined;
  const dropped = sumsBy(attribute.reason, find(metric.droppedTelemetry));
  return {
    outcomes,
    clientFaults: sumsBy(attribute.fault, find(metric.outcomes))?.get('client') ?? 0,
    duration: distributionOf(histogramPoints(find(metric.httpDuration))),
    firstToken: distributionOf(histogramPoints(find(metric.timeToFirstChunk))),
    tokens: sumsBy(attribute.genAiTokenType, find(metric.tokenUsage)),
    dropped: faultyReasons.reduce((sum, reason) => sum + (dropped?.get(reason) ?? 0), 0),
  };
}

/** What was added to a counter, or recorded in a histogram, by the value of a label. */
function sumsBy(label: string, data: MetricData | undefined): Map<string, number> | undefined {
  if (!data || data.dataPoints.length === 0) return undefined;
  const sums = new Map<string, number>();
  for (const { attributes, value } of data.dataPoints) {
    const name = String(attributes[label]);
    sums.set(name, (sums.get(name) ?? 0) + (typeof value === 'number' ? value : (value.sum ?? 0)));
  }
  return sums;
}
