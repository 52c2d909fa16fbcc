import type { Meter } from '@opentelemetry/api';
import { emptyResource } from '@opentelemetry/resources';
import {
  type AggregationTemporalitySelector,
  type CollectionResult,
  MeterProvider,
  type MetricCollectOptions,
  type MetricProducer,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import { scope } from '../names.ts';
import { boundedMeter } from './bounded-meter.ts';

/** Instrumentation scope of a plugin. */
export function pluginScope(plugin: string): string {
  return `${scope.name}.plugin.${plugin}`;
}

interface PluginMeter {
  readonly meter: Meter;
  /** One for each producer. */
  readonly readers: readonly ValueReader[];
}

/**
 * The instruments of plugins, with a provider for each: the SDK keeps an instrument and its last values for
 * ever, and what a plugin measured is to go away with the plugin. A reload keeps the provider, so counters go
 * on. Readers take what is here, each from a producer of its own, beside what they read themselves.
 */
export class PluginMetrics {
  readonly #plugins = new Map<string, PluginMeter>();
  readonly #producers: (AggregationTemporalitySelector | undefined)[] = [];
  readonly #seriesMax: number;

  constructor(seriesMax: number) {
    this.#seriesMax = seriesMax;
  }

  meter(plugin: string): Meter {
    return (this.#plugins.get(plugin) ?? this.#add(plugin)).meter;
  }

  /** What it measured is told no more. */
  forget(plugin: string): void {
    this.#plugins.delete(plugin);
  }

  /**
   * For one reader, which may want what has grown since it looked last. To be asked for before the first plugin is
   * there.
   */
  producer(temporality?: AggregationTemporalitySelector): MetricProducer {
    const index = this.#producers.push(temporality) - 1;
    return {
      collect: (options) =>
        this.#collect(
          [...this.#plugins.values()].flatMap(({ readers }) => readers[index] ?? []),
          options,
        ),
    };
  }

  async #collect(readers: readonly ValueReader[], options?: MetricCollectOptions): Promise<CollectionResult> {
    const results = await Promise.all(readers.map((reader) => reader.collect(options)));
    return {
      // Each reader puts its own resource in the place of this one.
      resourceMetrics: {
        resource: emptyResource(),
        scopeMetrics: results.flatMap(({ resourceMetrics }) => resourceMetrics.scopeMetrics),
      },
      errors: results.flatMap(({ errors }) => errors),
    };
  }

  #add(plugin: string): PluginMeter {
    const cardinalitySelector = () => this.#seriesMax;
    const readers = this.#producers.map(
      (temporality) =>
        new ValueReader({
          cardinalitySelector,
          ...(temporality && { aggregationTemporalitySelector: temporality }),
        }),
    );
    const meter = new MeterProvider({ readers }).getMeter(pluginScope(plugin));
    const added = { meter: boundedMeter(meter, this.#seriesMax), readers };
    this.#plugins.set(plugin, added);
    return added;
  }
}

/** Reads when it is asked to. */
class ValueReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
