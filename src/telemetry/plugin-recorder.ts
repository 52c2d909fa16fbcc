import type { Attributes } from '@opentelemetry/api';
import type { ExchangeView } from '../exchange/view.ts';
import type { HandledMessage } from '../messages/protocol-extension.ts';
import { attribute } from './names.ts';
import type { Telemetry } from './telemetry.ts';

type PluginChange = 'loaded' | 'reloaded' | 'rejected' | 'unloaded';

type TelemetryOfPlugins = Pick<Telemetry, 'instruments' | 'labels' | 'pluginRan' | 'messageHandled'>;

/** Turns the lifecycle of plugins, and the messages that they handle, into metrics. */
export class PluginRecorder {
  readonly #telemetry: TelemetryOfPlugins;

  constructor(telemetry: TelemetryOfPlugins) {
    this.#telemetry = telemetry;
  }

  /** `plugin` is undefined where a file did not get as far as telling its name. */
  changed(change: PluginChange, plugin: string | undefined): void {
    this.#telemetry.instruments.pluginChanges.add(1, {
      [attribute.pluginChange]: change,
      ...(plugin !== undefined && this.#nameOf(plugin)),
    });
    if (plugin === undefined) return;
    // Prometheus cannot see the first step of a series that is born with it.
    this.#telemetry.instruments.pluginStrayErrors.add(0, this.#nameOf(plugin));
    this.#telemetry.instruments.pluginLeaks.add(0, this.#nameOf(plugin));
  }

  moved(from: string | undefined, to: string | undefined): void {
    const { plugins } = this.#telemetry.instruments;
    if (from !== undefined) plugins.add(-1, { [attribute.pluginState]: from });
    if (to !== undefined) plugins.add(1, { [attribute.pluginState]: to });
  }

  lifecycleRan(
    owner: Parameters<Telemetry['pluginRan']>[0],
    point: 'initialize' | 'cleanup',
    durationMs: number,
    failed: boolean,
  ): void {
    this.#telemetry.pluginRan(owner, 'lifecycle', point, durationMs, failed ? 'failed' : undefined);
  }

  messageHandled(handled: HandledMessage, session?: ExchangeView): void {
    this.#telemetry.messageHandled(handled, session);
  }

  breakersOpen(plugin: string, change: 1 | -1): void {
    this.#telemetry.instruments.pluginBreakersOpen.add(change, this.#nameOf(plugin));
  }

  strayError(plugin: string): void {
    this.#telemetry.instruments.pluginStrayErrors.add(1, this.#nameOf(plugin));
  }

  leaked(plugin: string): void {
    this.#telemetry.instruments.pluginLeaks.add(1, this.#nameOf(plugin));
  }

  /** Plugins come and go while the service runs. */
  #nameOf(plugin: string): Attributes {
    return { [attribute.plugin]: this.#telemetry.labels.bound(attribute.plugin, plugin) };
  }
}
