import type { HandledMessage } from '../messages/protocol-extension.ts';
import { attribute } from './names.ts';
import type { Telemetry } from './telemetry.ts';

type PluginChange = 'loaded' | 'reloaded' | 'rejected' | 'unloaded';

/** Turns the lifecycle of plugins, and the messages that they handle, into metrics. */
export class PluginRecorder {
  readonly #telemetry: Pick<Telemetry, 'instruments' | 'pluginRan' | 'messageHandled'>;

  constructor(telemetry: Pick<Telemetry, 'instruments' | 'pluginRan' | 'messageHandled'>) {
    this.#telemetry = telemetry;
  }

  /** `plugin` is undefined where a file did not get as far as telling its name. */
  changed(change: PluginChange, plugin: string | undefined): void {
    this.#telemetry.instruments.pluginChanges.add(1, {
      [attribute.pluginChange]: change,
      ...(plugin !== undefined && { [attribute.plugin]: plugin }),
    });
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

  messageHandled(handled: HandledMessage): void {
    this.#telemetry.messageHandled(handled);
  }

  breakersOpen(plugin: string, change: 1 | -1): void {
    this.#telemetry.instruments.pluginBreakersOpen.add(change, { [attribute.plugin]: plugin });
  }

  strayError(plugin: string): void {
    this.#telemetry.instruments.pluginStrayErrors.add(1, { [attribute.plugin]: plugin });
  }

  leaked(plugin: string): void {
    this.#telemetry.instruments.pluginLeaks.add(1, { [attribute.plugin]: plugin });
  }
}
