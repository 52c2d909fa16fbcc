import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { satisfies } from 'semver';
import type { Lease } from '../../../src/flow/lease.ts';
import { findConflicts, usedBy } from '../../../src/plugins/lifecycle/dependencies.ts';
import type { PluginInstance } from '../../../src/plugins/lifecycle/instance.ts';
import { Random } from '../../support/random.ts';
import { createStage, type Stage } from './stage.ts';

const names = ['a', 'b', 'c', 'd', 'e'];
const versions = ['1.0.0', '1.2.0', '2.0.0'];
const ranges = ['*', '*', '^1.0.0', '>=1.1.0', '^2.0.0'];
const helpers = ['one.ts', 'two.ts'];

/** What `initialize` of a plugin of this test returns. */
interface Api {
  readonly id: number;
  /** Of those that it uses, by name. */
  readonly used: Readonly<Record<string, number>>;
}

const apiOf = (instance: PluginInstance) => instance.body.api as Api;

/** Random versions of a few plugins, and what they come to; the service around them keeps random leases. */
class Model {
  readonly #stage: Stage;
  readonly #random: Random;
  /** Files that are there → the helper that they import. */
  readonly #files = new Map<string, string | undefined>();
  readonly #leases: { readonly lease: Lease; readonly instances: readonly PluginInstance[] }[] = [];
  readonly #started = new Set<number>();
  readonly #cleaned = new Set<number>();
  readonly #told = new Map<string, string>();
  readonly #required: string | undefined;

  constructor(stage: Stage, random: Random, required: string | undefined) {
    this.#stage = stage;
    this.#random = random;
    this.#required = required;
  }

  async step(): Promise<void> {
    const { manager } = this.#stage;
    const random = this.#random;
    const changed = await this.#change();
    const running = [this.#stage.apply(...changed)];
    if (random.chance(0.3)) running.push(manager.unloadPlugin(random.pick(names)));
    if (random.chance(0.3)) running.push(manager.reloadPlugin(random.pick(names)));
    if (random.chance(0.5)) this.#release();
    const [applied] = await Promise.allSettled(running);
    assert.equal(applied?.status, 'fulfilled');
    if (random.chance(0.5)) this.#acquire();
    if (random.chance(0.5)) this.#release();
    for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
    this.check();
  }

  /** Everything that was started is cleaned up, and nothing is known any more. */
  async end(): Promise<void> {
    while (this.#leases.length > 0) this.#release();
    await Promise.all(names.map((name) => rm(this.#path(name), { force: true })));
    this.#files.clear();
    await this.#stage.apply(...names);
    await this.#stage.drained();
    this.check();
    if (!this.#required) assert.deepEqual([this.#stage.active, this.#stage.manager.records], ['', []]);
    await this.#stage.manager.stop();
    this.#readNotes();
    assert.deepEqual(
      [...this.#started].filter((id) => !this.#cleaned.has(id)),
      [],
    );
  }

  /** Saves and deletes files. Returns those for which that means something. */
  async #change(): Promise<string[]> {
    const random = this.#random;
    const changed = new Set<string>();
    for (let i = random.integer(1, 3); i > 0; i -= 1) {
      const name = random.pick(names);
      changed.add(name);
      if (this.#files.has(name) && random.chance(0.25)) {
        this.#files.delete(name);
        await rm(this.#path(name));
      } else await this.#save(name);
    }
    if (random.chance(0.2)) {
      const helper = random.pick(helpers);
      await this.#stage.write(helper, `export const value: number = ${random.integer(0, 3)};`);
      for (const [name, imported] of this.#files) if (imported === helper) changed.add(name);
    }
    return [...changed];
  }

  async #save(file: string): Promise<void> {
    const random = this.#random;
    const helper = random.chance(0.4) ? random.pick(helpers) : undefined;
    this.#files.set(file, helper);
    if (random.chance(0.05)) {
      await this.#stage.write(`${file}.plugin.ts`, 'export default {');
      return;
    }
    const others = names.filter(() => random.chance(0.2));
    const used = Object.fromEntries(others.map((other) => [other, random.pick(ranges)]));
    const isOptional = random.chance(0.4);
    const source = `import { definePlugin } from 'sightline';
import { setImmediate as turn } from 'node:timers/promises';
${helper ? `import { value } from './${helper}';` : 'const value: number = 0;'}
const scope = globalThis as any;
const note = (text: string) => scope.noted.get(${JSON.stringify(this.#stage.folder)})?.push(text);
const id = (scope.ids = (scope.ids ?? 0) + 1);
${random.chance(0.05) ? "throw new Error('at the top');" : ''}
export default definePlugin({
  name: '${random.chance(0.1) ? random.pick(names) : file}',
  version: '${random.pick(versions)}',
  ${isOptional ? 'optionalDependencies' : 'dependencies'}: ${JSON.stringify(used)},
  async initialize({ name, use, useOptional }) {
    note('start ' + id);
    ${random.chance(0.5) ? 'await turn();' : ''}
    const apis = ${JSON.stringify(others)}.map((other) => [other, (${isOptional ? 'useOptional' : 'use'} as any)(other)?.id]);
    if (value % 2 === 1 && ${random.chance(0.5)}) throw new Error('an odd helper');
    ${random.chance(0.1) ? "throw new Error('in initialize');" : ''}
    ${random.chance(0.1) ? `if (apis.some(([, api]) => api % 2 === 0)) throw new Error('not with this one');` : ''}
    return { id, used: Object.fromEntries(apis.filter(([, api]) => api !== undefined)) };
  },
  async cleanup() {
    ${random.chance(0.3) ? 'await turn();' : ''}
    note('clean ' + id);
    ${random.chance(0.1) ? 'throw Object.create(null);' : ''}
  },
});
`;
    await this.#stage.write(`${file}.plugin.ts`, source);
  }

  #path(name: string): string {
    return join(this.#stage.folder, `${name}.plugin.ts`);
  }

  #acquire(): void {
    const { services, generation } = this.#stage.manager;
    if (!services.lease) return;
    services.lease.acquire();
    this.#leases.push({ lease: services.lease, instances: generation.instances });
  }

  #release(): void {
    const [taken] = this.#leases.splice(this.#random.integer(0, Math.max(0, this.#leases.length - 1)), 1);
    taken?.lease.release();
  }

  #readNotes(): void {
    for (const note of this.#stage.takeNotes()) {
      const [what, id = ''] = note.split(' ');
      const seen = what === 'start' ? this.#started : this.#cleaned;
      assert.ok(!seen.has(Number(id)), `${note} twice`);
      seen.add(Number(id));
    }
  }

  check(): void {
    this.#readNotes();
    this.#checkActive();
    this.#checkLives();
    this.#checkRecords();
    this.#checkEvents();
    this.#checkWaiting();
  }

  #checkActive(): void {
    const { instances } = this.#stage.manager.generation;
    assert.deepEqual(findConflicts(instances), []);
    const byName = new Map(instances.map((instance) => [instance.name, instance]));
    assert.equal(byName.size, instances.length, 'one version of a name');
    const before = new Set<string>();
    for (const instance of instances) {
      const used = usedBy(instance, byName);
      assert.ok(
        used.every((name) => before.has(name)),
        `${instance.name} after those that it uses`,
      );
      before.add(instance.name);
      const ids = used.map((name) => [name, apiOf(byName.get(name) as PluginInstance).id]);
      assert.deepEqual(apiOf(instance).used, Object.fromEntries(ids), `${instance.name} has the APIs of now`);
    }
  }

  /** Nothing that an exchange may reach is cleaned up; everything else is, and was cleaned up once. */
  #checkLives(): void {
    const { manager } = this.#stage;
    const held = [manager.generation, ...manager.draining].flatMap(({ instances }) => instances);
    const living = new Set([...held, ...this.#leases.flatMap(({ instances }) => instances)].map(apiOf));
    const ids = new Set([...living].map(({ id }) => id));
    for (const id of ids) assert.ok(this.#started.has(id) && !this.#cleaned.has(id), `${id} lives`);
    for (const id of this.#started) assert.ok(ids.has(id) || this.#cleaned.has(id), `${id} was cleaned up`);
  }

  #checkRecords(): void {
    const { manager, counted } = this.#stage;
    const { instances } = manager.generation;
    const counts: Record<string, number> = {};
    for (const move of counted.filter((line) => line.includes(' → '))) {
      const [from = '', to = ''] = move.split(' → ');
      counts[from] = (counts[from] ?? 0) - 1;
      counts[to] = (counts[to] ?? 0) + 1;
    }
    const states: Record<string, number> = {};
    for (const { state, instance, file } of manager.records) {
      states[state] = (states[state] ?? 0) + 1;
      assert.equal(state === 'active', instance !== undefined, `${file} is ${state}`);
      assert.ok(!instance || instances.includes(instance));
      assert.ok(!['discovered', 'loading'].includes(state), `${file} is ${state}`);
      const isHeld = this.#leases.some((one) => one.instances.some(({ build }) => build.file === file));
      assert.ok(state !== 'unloaded' || !isHeld, `${file} is unloaded and still in use`);
    }
    const known = Object.entries(counts).filter(([state, n]) => n !== 0 && state !== 'undefined');
    assert.deepEqual(Object.fromEntries(known), states);
    const files = new Set(manager.records.map(({ file }) => file));
    for (const name of this.#files.keys()) assert.ok(files.has(this.#path(name)), `${name} is known`);
  }

  #checkEvents(): void {
    for (const event of this.#stage.events.splice(0)) {
      const [what, name = '', version = ''] = event.split(/[ @]/);
      if (what === 'rejected') continue;
      assert.equal(this.#told.has(name), what !== 'loaded', event);
      if (what === 'unloaded') {
        assert.notEqual(name, this.#required);
        this.#told.delete(name);
      } else this.#told.set(name, version);
    }
    const { instances } = this.#stage.manager.generation;
    assert.deepEqual([...this.#told].sort(), instances.map(({ name, version }) => [name, version]).sort());
  }

  /** One that waits for a plugin cannot be there without it. */
  #checkWaiting(): void {
    const { records, generation } = this.#stage.manager;
    for (const { waiting, newestProblem, instance } of records) {
      const [, needed, range] = /needs (\w+) (\S+), and no '/.exec(newestProblem?.message ?? '') ?? [];
      if (instance || !waiting || !needed || !range) continue;
      const provider = generation.instances.find(({ name }) => name === needed);
      assert.ok(!provider || !satisfies(provider.version, range), newestProblem?.message);
    }
  }
}

/** Those that found something once, and some others; `SEEDS=1,2,3` tries more. */
for (const seed of (process.env.SEEDS ?? '1,2,3,6,14,23,35,95').split(',').map(Number)) {
  it(`whatever happens to the files, the plugins that are active fit together (seed ${seed})`, async () => {
    const required = seed % 2 === 0 ? 'a' : undefined;
    await using stage = await createStage({ required: required ? [required] : [] });
    for (const helper of helpers) await stage.write(helper, 'export const value: number = 0;');
    Object.assign(globalThis, { ids: 0 });
    const model = new Model(stage, new Random(seed), required);
    for (let i = 0; i < 25; i += 1) await model.step();
    await model.end();
  });
}
