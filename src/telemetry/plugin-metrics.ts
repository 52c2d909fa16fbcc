import type { Meter } from '@opentelemetry/api';
import { emptyResource } from '@opentelemetry/resources';
import {
  type CollectionResult,
  MeterProvider,
  type MetricProducer,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import { scope } from './names.ts';

/** Instrumentation scope of a plugin. */
export function pluginScope(plugin: string): string {
  return `${scope.name}.plugin.${plugin}`;
}

/**
 * The instruments of plugins, with a provider for each: the SDK keeps an instrument and its last values for
 * ever, and what a plugin measured is to go away with the plugin. A reload keeps the provider, so counters go
 * on. Readers take what is here beside what they read themselves.
 */
export class PluginMetrics implements MetricProducer {
  readonly #plugins = new Map<string, { readonly provider: MeterProvider; readonly reader: ValueReader }>();

  meter(plugin: string): Meter {
    const known = this.#plugins.get(plugin);
    const { provider } = known ?? this.#add(plugin);
    return provider.getMeter(pluginScope(plugin));
  }

  /** What it measured is told no more. */
  forget(plugin: string): void {
    this.#plugins.delete(plugin);
  }

  async collect(): Promise<CollectionResult> {
    const results = await Promise.all([...this.#plugins.values()].map(({ reader }) => reader.collect()));
    return {
      // Each reader puts its own resource in the place of this one.
      resourceMetrics: {
        resource: emptyResource(),
        scopeMetrics: results.flatMap(({ resourceMetrics }) => resourceMetrics.scopeMetrics),
      },
      errors: results.flatMap(({ errors }) => errors),
    };
  }

  #add(plugin: string) {
    const reader = new ValueReader();
    const added = { provider: new MeterProvider({ readers: [reader] }), reader };
    this.#plugins.set(plugin, added);
    return added;
  }
}

/** Reads when it is asked to. */
class ValueReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
