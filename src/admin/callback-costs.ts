import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { type ErrorCode, errorTable } from '../errors.ts';
import { distributionOf, type HistogramPoint, histogramPoints, ownMetric } from '../snapshots/own-metrics.ts';
import { quantile } from '../snapshots/quantile.ts';
import { type LabelBounds, other } from '../telemetry/metrics/labels.ts';
import { overflow } from '../telemetry/metrics/series-tree.ts';
import { attribute, metric } from '../telemetry/names.ts';
import type { Cost } from './api/pipeline.ts';

type Series = ReadonlyMap<string, readonly HistogramPoint[]>;

/**
 * What callbacks have cost since the service started, as `/metrics` has it. Where the metrics do not tell one from
 * the others any more, its cost is not known: there are bounds for their labels and for their series.
 */
export class CallbackCosts {
  readonly #labels: Pick<LabelBounds, 'known'>;
  readonly #middleware: Series;
  readonly #hooks: Series;

  constructor(points: ResourceMetrics, labels: Pick<LabelBounds, 'known'>) {
    this.#labels = labels;
    const all = (row: { readonly name: string }) => histogramPoints(ownMetric(points, row));
    this.#middleware = seriesBy([attribute.middleware, attribute.phase], all(metric.middlewareDuration));
    const ofHooks = all(metric.pluginDuration).filter(
      ({ attributes }) => attributes[attribute.pluginKind] === 'hook' || isOverflow(attributes),
    );
    this.#hooks = seriesBy([attribute.plugin, attribute.pluginPoint], ofHooks);
  }

  /** Of a middleware of this name in this phase: in `on_chunk` a call is all events of one exchange. */
  ofMiddleware(name: string, isOfPlugin: boolean, phase: string): Cost | undefined {
    // Those of the configuration are few, so they have no bound.
    const label = isOfPlugin ? this.#labels.known(attribute.middleware, name) : name;
    // A refusal is what it is there for.
    return label === other ? undefined : costOf(this.#middleware.get(keyOf([label, phase])), isOurFailure);
  }

  /** Of all callbacks of a plugin at this point, whatever its version. */
  ofHooks(plugin: string, point: string): Cost | undefined {
    const label = this.#labels.known(attribute.plugin, plugin);
    return label === other ? undefined : costOf(this.#hooks.get(keyOf([label, point])), () => true);
  }
}

/** None where some of them are in the one that stands for the rest: what is missing there, nobody knows. */
function seriesBy(labels: readonly string[], points: readonly HistogramPoint[]): Series {
  if (points.some(({ attributes }) => isOverflow(attributes))) return new Map();
  return Map.groupBy(points, ({ attributes }) => keyOf(labels.map((label) => attributes[label])));
}

function isOverflow(attributes: HistogramPoint['attributes']): boolean {
  return Object.keys(overflow).some((key) => key in attributes);
}

function keyOf(values: readonly unknown[]): string {
  return JSON.stringify(values);
}

function isOurFailure(code: string): boolean {
  return errorTable[code as ErrorCode]?.outcome === 'failed';
}

function costOf(
  points: readonly HistogramPoint[] | undefined,
  isFailure: (errorType: string) => boolean,
): Cost | undefined {
  const all = distributionOf(points ?? []);
  if (!points || !all) return undefined;
  const failed = points.filter(({ attributes }) => {
    const error = attributes[attribute.errorType];
    return error !== undefined && isFailure(String(error));
  });
  const p95 = quantile(all, 0.95);
  return {
    calls: all.count,
    totalMs: all.sum * 1_000,
    ...(p95 !== undefined && { p95Ms: p95 * 1_000 }),
    errors: distributionOf(failed)?.count ?? 0,
  };
}
