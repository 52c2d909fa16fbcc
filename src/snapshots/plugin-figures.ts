import { basename } from 'node:path';
import type { Limits } from '../limits.ts';
import type { PluginLifecycleManager } from '../plugins/lifecycle/lifecycle-manager.ts';
import type { Instruments } from '../telemetry/metrics/instruments.ts';
import { LabelBounds } from '../telemetry/metrics/labels.ts';
import { attribute } from '../telemetry/names.ts';
import type { Snapshot } from './snapshot.ts';

type Manager = Pick<PluginLifecycleManager, 'records' | 'generation' | 'draining'>;

/** The figures of plugins, for snapshots, and those that are rejected as a metric. */
export class PluginFigures {
  readonly #manager: Manager;
  readonly #labels: LabelBounds;
  /** Those that were rejected once: a gauge that is told no more stays, in the SDK, as it was. */
  readonly #wereRejected = new Set<string>();

  constructor(
    manager: Manager,
    instruments: Pick<Instruments, 'pluginsRejected'>,
    limits: Pick<Limits, 'labelValuesMax'>,
  ) {
    this.#manager = manager;
    this.#labels = new LabelBounds(limits.labelValuesMax);
    instruments.pluginsRejected.addCallback((result) => {
      const rejected = new Set(this.#rejected().map((name) => this.#labels.bound(attribute.plugin, name)));
      for (const name of rejected) this.#wereRejected.add(name);
      for (const name of this.#wereRejected)
        result.observe(rejected.has(name) ? 1 : 0, { [attribute.plugin]: name });
    });
  }

  look(): Snapshot['plugins'] {
    const { records, generation, draining } = this.#manager;
    const byState = new Map<string, number>();
    for (const { state } of records) byState.set(state, (byState.get(state) ?? 0) + 1);
    const breakersOpen = new Map<string, number>();
    const instances = new Set([generation, ...draining].flatMap((one) => one.instances));
    for (const { name, breakersOpen: open } of instances)
      if (open > 0) breakersOpen.set(name, (breakersOpen.get(name) ?? 0) + open);
    return {
      byState: Object.fromEntries(byState),
      rejected: Object.fromEntries(this.#rejected().map((name) => [name, 1])),
      breakersOpen: Object.fromEntries(breakersOpen),
    };
  }

  /** By name; by file where none was told. */
  #rejected(): string[] {
    const rejected = this.#manager.records.filter(({ newestProblem }) => newestProblem !== undefined);
    return rejected.map(({ name, file }) => name ?? basename(file));
  }
}
