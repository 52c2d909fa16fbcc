import type { PluginsConfig } from '../config/config.ts';
import { SightlineError } from '../errors.ts';
import type { FlowServices } from '../flow/flow.ts';
import { PluginBuilder } from './build/builder.ts';
import type { PluginHost } from './lifecycle/host.ts';
import { PluginLifecycleManager } from './lifecycle/lifecycle-manager.ts';
import { DynamicLoader } from './loader/dynamic-loader.ts';
import { PluginProblem } from './problem.ts';

/**
 * The plugins of a folder, alive: the loader sees what changes on disk and builds it, the lifecycle manager
 * makes it active. This joins the two, for the service and its admin plane.
 */
export class Plugins {
  readonly config: PluginsConfig;
  readonly manager: PluginLifecycleManager;
  readonly #builder: PluginBuilder;
  readonly #loader: DynamicLoader;

  constructor(config: PluginsConfig, host: PluginHost) {
    const { folder, watch, required } = config;
    this.config = config;
    const reservedNames = new Set(host.middleware.map((entry) => entry.name));
    this.manager = new PluginLifecycleManager(host, { folder, required, reservedNames });
    this.#builder = new PluginBuilder({ folder, fileBytesMax: host.limits.pluginFileBytesMax });
    this.#loader = new DynamicLoader({
      folder,
      watch,
      builder: this.#builder,
      limits: host.limits,
      log: host.log,
      onChanges: (changes) => this.manager.apply(changes),
    });
  }

  /** What an exchange gets that begins now. */
  get services(): FlowServices {
    return this.manager.services;
  }

  /**
   * Resolves when every plugin of the folder is active or rejected. Rejects where one is not active that the
   * configuration requires.
   */
  async start(): Promise<void> {
    await this.#loader.start();
    for (const name of this.config.required) {
      const record = this.manager.find(name);
      if (record?.instance) continue;
      const newest = record?.newestProblem;
      const why = newest?.message ?? `no file in ${this.config.folder} declares it`;
      throw new PluginProblem(
        newest?.step ?? 'dependencies',
        `The required plugin '${name}' is not active: ${why}`,
        newest?.place,
      );
    }
  }

  /** Looks at the folder now, where nothing can be watched. Resolves when what it found is in place. */
  scan(): Promise<void> {
    return this.#loader.scan();
  }

  /**
   * Builds and initializes a plugin anew, also where nothing has changed or it was unloaded. Rejects with
   * `resource_unknown` or `plugin_rejected`.
   */
  async reload(name: string): Promise<void> {
    const file = this.manager.find(name)?.file;
    const change = file === undefined ? undefined : await this.#loader.rebuild(file);
    if (!change || change.kind === 'gone') {
      throw new SightlineError('resource_unknown', {
        message: `No plugin '${name}' in ${this.config.folder}.`,
      });
    }
    if (change.kind === 'broken') {
      await this.manager.apply([change]);
      throw new SightlineError('plugin_rejected', { message: change.problem.describe() });
    }
    await this.manager.loadPlugin(change.build);
  }

  /** Rejects with `resource_unknown`, or with `plugin_needed` where others need it. */
  unload(name: string): Promise<void> {
    return this.manager.unloadPlugin(name);
  }

  /** Idempotent, safe before `start`; never rejects. */
  async stop(): Promise<void> {
    await this.#loader.stop();
    await this.manager.stop();
    await this.#builder.close();
  }
}
