import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { PluginsConfig } from '../config/config.ts';
import { SightlineError } from '../errors.ts';
import type { FlowServices } from '../flow/flow.ts';
import type { Logger } from '../log.ts';
import { PluginBuilder } from './compile/builder.ts';
import type { PluginHost } from './lifecycle/host.ts';
import { PluginLifecycleManager } from './lifecycle/lifecycle-manager.ts';
import { DynamicLoader } from './loader/dynamic-loader.ts';
import { describeProblem, PluginProblem } from './problem.ts';

/**
 * The plugins of a folder, alive: the loader sees what changes on disk and builds it, the lifecycle manager
 * makes it active. This joins the two, for the service and its admin plane.
 */
export class Plugins {
  readonly config: PluginsConfig;
  readonly manager: PluginLifecycleManager;
  readonly #builder: PluginBuilder;
  readonly #loader: DynamicLoader;
  readonly #log: Logger;

  constructor(config: PluginsConfig, host: PluginHost) {
    const { folder, watch, required } = config;
    this.config = config;
    this.#log = host.log;
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
      throw new PluginProblem(
        newest?.step ?? 'dependencies',
        `The required plugin '${name}' is not active: ${newest?.message ?? this.#whyNobodyIs(name)}`,
        newest?.place,
      );
    }
    this.#warnOfMistakes();
  }

  /** A file that is rejected early has not told its name. */
  #whyNobodyIs(name: string): string {
    const { folder } = this.config;
    const nameless = this.manager.records.filter((record) => record.name === undefined);
    const problems = nameless.map(({ newestProblem }) => newestProblem && describeProblem(newestProblem));
    const others = problems.length > 0 ? `; rejected are ${problems.join('; ')}` : '';
    return `no file in ${folder} declares '${name}'${others}`;
  }

  /** What is probably a slip of the pen, and no reason not to start. */
  #warnOfMistakes(): void {
    const { folder, config } = this.config;
    for (const name of Object.keys(config)) {
      if (!this.manager.find(name)) {
        this.#log.warn(`plugins.config.${name} is for a plugin that is not in ${folder}`);
      }
    }
    const found = statSync(folder, { throwIfNoEntry: false });
    if (found && !found.isDirectory()) this.#log.warn(`the plugin folder ${folder} is not a folder`);
    else if (!found && folder !== resolve('plugins')) {
      this.#log.warn(`the plugin folder ${folder} is not there; it may appear later`);
    }
  }

  /**
   * Looks at the folder now, where nothing can be watched, and tries again what is not active: what it lacked
   * may be there now. Resolves when what it found is in place.
   */
  async scan(): Promise<void> {
    const before = new Map(this.manager.records.map((record) => [record, record.newestProblem]));
    await this.#loader.scan();
    const stillRejected = this.manager.records.filter(
      (record) => !record.instance && record.newestProblem && before.get(record) === record.newestProblem,
    );
    const changes = await Promise.all(stillRejected.map(({ file }) => this.#loader.rebuild(file)));
    const again = changes.filter((change) => change !== undefined);
    if (again.length > 0) await this.manager.apply(again);
  }

  /**
   * Builds and initializes a plugin anew, also where nothing has changed or it was unloaded. Rejects with
   * `resource_unknown` or `plugin_rejected`.
   */
  async reload(name: string): Promise<void> {
    const isNamedSo = (one: string) => basename(one).startsWith(`${name}.plugin.`);
    const file = this.manager.find(name)?.file ?? this.#loader.files.find(isNamedSo);
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
    // The loader waits for a batch under way, and the plugins that are active for neither.
    await Promise.all([this.#loader.stop(), this.manager.stop()]);
    await this.#builder.close();
  }
}
