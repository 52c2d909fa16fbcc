import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createStage, middlewareNames, stackEntry } from './stage.ts';

describe('loading plugins', () => {
  it('goes from discovered over loading to active', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    await stage.apply('a');
    assert.equal(stage.active, 'a@1.0.0');
    assert.deepEqual(stage.counted, [
      'undefined → discovered',
      'discovered → loading',
      'a initialize',
      'loading → active',
      'loaded a',
    ]);
    assert.deepEqual(stage.events, ['loaded a@1.0.0']);
  });

  it('initializes dependencies first and gives what they returned', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a-meter', {
      needs: { tenant: '^1.0.0' },
      mayUse: { absent: '*', prices: '^2.0.0' },
      body: `note(JSON.stringify([context.use('tenant'), context.useOptional('prices'), context.useOptional('absent')]));`,
    });
    await stage.writePlugin('tenant', { version: '1.2.3' });
    await stage.writePlugin('prices', { version: '1.0.0' });
    await stage.apply('a-meter', 'prices', 'tenant');
    assert.equal(stage.active, 'tenant@1.2.3 a-meter@1.0.0 prices@1.0.0');
    assert.ok(stage.takeNotes().includes('[{"version":"1.2.3"},null,null]'));
  });

  it('refuses use of what was not declared', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    await stage.writePlugin('b', { body: `context.use('a');` });
    await stage.apply('a', 'b');
    assert.equal(stage.active, 'a@1.0.0');
    assert.match(
      stage.events.at(-1) ?? '',
      /rejected b@1.0.0 \(initialize\).*'a' is not among the dependencies/,
    );
  });

  it('lets one that lacks its dependency wait, and loads it when that comes', async () => {
    await using stage = await createStage();
    await stage.writePlugin('b', { needs: { a: '^1.0.0' } });
    await stage.apply('b');
    assert.equal(stage.stateOf('b'), 'rejected');
    assert.match(
      stage.events[0] ?? '',
      /rejected b@1.0.0 \(dependencies\): b 1.0.0 needs a \^1.0.0, and no 'a'/,
    );
    const since = stage.manager.find('b')?.newestProblem?.at;
    assert.equal(stage.manager.generation.number, 1, 'exchanges get the same plugins');
    await stage.writePlugin('c');
    await stage.apply('c');
    assert.equal(stage.events.filter((event) => event.startsWith('rejected')).length, 1, 'told once');
    assert.equal(stage.manager.find('b')?.newestProblem?.at, since);
    await stage.writePlugin('a');
    await stage.apply('a');
    assert.equal(stage.active, 'a@1.0.0 b@1.0.0 c@1.0.0');
    assert.equal(stage.manager.find('b')?.newestProblem, undefined);
  });

  it('rejects the members of a cycle with its path, and loads the others', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a', { needs: { b: '*' } });
    await stage.writePlugin('b', { needs: { a: '*' } });
    await stage.writePlugin('c');
    await stage.apply('a', 'b', 'c');
    assert.equal(stage.active, 'c@1.0.0');
    assert.match(stage.manager.find('a')?.newestProblem?.message ?? '', /cycle: a → b → a/);
    assert.match(stage.manager.find('b')?.newestProblem?.message ?? '', /cycle: a → b → a/);
  });

  it('gives a name to the file that has it, then to the first one', async () => {
    await using stage = await createStage();
    await stage.writePlugin('b');
    await stage.apply('b');
    await stage.write('a.plugin.ts', `export { default } from './x.ts';`);
    await stage.write('c.plugin.ts', `export { default } from './x.ts';`);
    await stage.write(
      'x.ts',
      `import { definePlugin } from 'sightline'; export default definePlugin({ name: 'b', version: '9.0.0', initialize() {} });`,
    );
    await stage.apply('a.plugin.ts', 'c.plugin.ts');
    assert.equal(stage.active, 'b@1.0.0');
    assert.match(stage.events.at(-1) ?? '', /The name 'b' is taken by b.plugin.ts/);
    await stage.remove('b');
    assert.equal(stage.active, 'b@9.0.0');
  });

  it('refuses the name of a configured middleware', async () => {
    await using stage = await createStage({ middleware: [stackEntry({ name: 'redact' })] });
    await stage.writePlugin('redact');
    await stage.apply('redact');
    assert.match(stage.events[0] ?? '', /The name 'redact' is that of a middleware of the configuration/);
  });

  it('puts middleware in order of priority, configured ones further out at the same', async () => {
    await using stage = await createStage({ middleware: [stackEntry({ name: 'configured' })] });
    const register = (...entries: [string, number?][]) =>
      entries
        .map(
          ([name, priority]) =>
            `context.registerMiddleware({ name: '${name}', beforeQuery() {} }, { priority: ${priority} });`,
        )
        .join('\n');
    await stage.writePlugin('b', { body: register(['b'], ['early', 60], ['late', 10]) });
    await stage.writePlugin('a', { needs: { b: '*' }, body: register(['a'], ['early', 60]) });
    await stage.apply('a', 'b');
    assert.deepEqual(middlewareNames(stage), ['b/early', 'a/early', 'configured', 'b', 'a', 'b/late']);
  });

  it('hands the config that the schema gives back, and rejects one that does not fit', async () => {
    await using stage = await createStage({ config: { good: { size: '7' }, bad: { size: 'x' } } });
    const plugin = (name: string) => `
      import { definePlugin } from 'sightline';
      import { z } from 'zod';
      export default definePlugin({ name: '${name}', version: '1.0.0', config: z.object({ size: z.coerce.number('expected a number'), unit: z.string().default('MB') }),
        initialize({ config, log }) { log.info({ config }, 'configured'); } });`;
    await stage.write('good.plugin.ts', plugin('good'));
    await stage.write('bad.plugin.ts', plugin('bad'));
    await stage.apply('good', 'bad');
    assert.equal(stage.active, 'good@1.0.0');
    assert.deepEqual(stage.logged.find((line) => line.msg === 'configured')?.config, { size: 7, unit: 'MB' });
    assert.match(
      stage.events.at(-1) ?? '',
      /rejected bad@1.0.0 \(config\): plugins.config.bad.size: expected a number/,
    );
  });
});

describe('undoing what cannot be', () => {
  const halfway = `
    context.registerHook('exchange.ended', () => undefined);
    context.registerMiddleware({ name: 'a', beforeQuery() {} });
    setInterval(() => note('tick'), 1);`;

  it('leaves nothing of an initialize that throws, and names its place', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a', { body: `${halfway}\nthrow new Error('no database');` });
    await stage.apply('a');
    assert.equal(stage.active, '');
    assert.equal(stage.stateOf('a'), 'failed');
    assert.equal(stage.hooksAt('exchange.ended'), false);
    assert.deepEqual(middlewareNames(stage), []);
    assert.deepEqual(stage.takeNotes(), ['a@1.0.0 initialize', 'a@1.0.0 abort', 'a@1.0.0 cleanup']);
    const { place, message } = stage.manager.find('a')?.newestProblem ?? {};
    assert.equal(message, "initialize of 'a' failed: no database");
    assert.match(place?.file ?? '', /a\.plugin\.ts$/);
    assert.equal(place?.line, 16);
  });

  it('gives up an initialize that misses its deadline, and takes nothing that it registers later', async () => {
    await using stage = await createStage({ limits: { pluginInitializeTimeoutMs: 20 } });
    const body = `await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
      try { context.registerHook('exchange.ended', () => undefined); } catch (error) { note(error.message); }`;
    await stage.writePlugin('a', { body });
    await stage.apply('a');
    assert.equal(stage.stateOf('a'), 'failed');
    assert.match(stage.events[0] ?? '', /no answer within 20 ms/);
    assert.ok(
      stage.takeNotes().includes('registerHook is possible until initialize has answered, not later.'),
    );
    assert.equal(stage.hooksAt('exchange.ended'), false);
  });

  it('unloads also where cleanup throws or never answers, and says so', async () => {
    await using stage = await createStage({ limits: { pluginCleanupTimeoutMs: 20 } });
    const plugin = (name: string, cleanup: string) => `import { definePlugin } from 'sightline';
      export default definePlugin({ name: '${name}', version: '1.0.0', initialize() {}, cleanup() { ${cleanup} } });`;
    await stage.write('throws.plugin.ts', plugin('throws', `throw new Error('stuck');`));
    await stage.write('hangs.plugin.ts', plugin('hangs', 'return new Promise(() => undefined);'));
    await stage.apply('throws', 'hangs');
    await stage.remove('throws', 'hangs');
    await stage.drained();
    assert.equal(stage.manager.records.length, 0);
    const warnings = stage.logged.filter((line) => String(line.msg).startsWith('cleanup of plugin'));
    assert.deepEqual(warnings.map((line) => line.error).sort(), ['no answer within 20 ms', 'stuck']);
  });

  it('initializes a healthy one once, however many others fail', async () => {
    await using stage = await createStage();
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names)
      await stage.writePlugin(name, { body: name === 'a' ? '' : `throw new Error('no');` });
    await stage.writePlugin('e', { needs: { a: '*' } });
    await stage.apply(...names, 'e');
    assert.equal(stage.active, 'a@1.0.0 e@1.0.0');
    const started = stage.takeNotes().filter((note) => /^[ae]@1.0.0/.test(note));
    assert.deepEqual(started, ['a@1.0.0 initialize', 'e@1.0.0 initialize']);
  });

  it('leaves those that started before a new one that failed, and goes on without it', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    await stage.writePlugin('b', { needs: { a: '*' }, body: `throw new Error('no');` });
    await stage.writePlugin('c', { needs: { b: '*' } });
    await stage.apply('a', 'b', 'c');
    assert.equal(stage.active, 'a@1.0.0');
    assert.equal(stage.stateOf('b'), 'failed');
    assert.equal(stage.stateOf('c'), 'rejected');
    assert.deepEqual(stage.takeNotes(), [
      'a@1.0.0 initialize',
      'b@1.0.0 initialize',
      'b@1.0.0 abort',
      'b@1.0.0 cleanup',
    ]);
  });
});

describe('reloading plugins', () => {
  it('starts the new version while the old one serves, swaps, then cleans up', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    await stage.apply('a');
    const { services: before } = stage.manager;
    before.lease?.acquire();
    await stage.writePlugin('a', { version: '2.0.0' });
    await stage.apply('a');
    assert.equal(stage.active, 'a@2.0.0');
    assert.deepEqual(stage.takeNotes(), ['a@1.0.0 initialize', 'a@2.0.0 initialize']);
    assert.equal(stage.manager.draining.length, 1);
    before.lease?.release();
    await stage.drained();
    assert.deepEqual(stage.takeNotes(), ['a@1.0.0 abort', 'a@1.0.0 cleanup']);
    assert.deepEqual(stage.events, ['loaded a@1.0.0', 'reloaded a@2.0.0']);
  });

  it('keeps the working version where the new one is broken, at whichever step', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a', { version: '1.0.0' });
    await stage.apply('a');
    const broken: [string, RegExp][] = [
      ['export default definePlugin({', /\(build\)/],
      [`throw new Error('at the top');`, /\(evaluate\): .*at the top/],
      ['export default {}', /\(shape\): Expected "export default definePlugin/],
    ];
    for (const [source, expected] of broken) {
      await stage.write('a.plugin.ts', source);
      await stage.apply('a');
      assert.match(stage.events.at(-1) ?? '', expected);
      assert.equal(stage.active, 'a@1.0.0');
      assert.equal(stage.stateOf('a'), 'active');
    }
    await stage.writePlugin('a', { version: '1.0.0' });
    await stage.apply('a');
    assert.equal(stage.manager.find('a')?.newestProblem, undefined);
    assert.deepEqual(stage.takeNotes(), ['a@1.0.0 initialize'], 'the same bytes are the active version');
  });

  it('takes dependents along, with module state of their own, and the old ones go after them', async () => {
    await using stage = await createStage();
    const head = 'let starts = 0;';
    await stage.writePlugin('a');
    await stage.writePlugin('b', { needs: { a: '*' }, head, body: "note('starts ' + ++starts);" });
    await stage.writePlugin('c');
    await stage.apply('a', 'b', 'c');
    stage.takeNotes();
    await stage.writePlugin('a', { version: '1.1.0' });
    await stage.apply('a');
    await stage.drained();
    assert.deepEqual(stage.takeNotes(), [
      'a@1.1.0 initialize',
      'b@1.0.0 initialize',
      'starts 1',
      'b@1.0.0 abort',
      'b@1.0.0 cleanup',
      'a@1.0.0 abort',
      'a@1.0.0 cleanup',
    ]);
  });

  it('refuses a new version that leaves the range of a dependent, until that follows', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    await stage.writePlugin('b', { needs: { a: '^1.0.0' } });
    await stage.apply('a', 'b');
    await stage.writePlugin('a', { version: '2.0.0' });
    await stage.apply('a');
    assert.equal(stage.active, 'a@1.0.0 b@1.0.0');
    assert.match(
      stage.events.at(-1) ?? '',
      /rejected a@2.0.0 .*b 1.0.0 needs a \^1.0.0, and a 2.0.0 is here/,
    );
    await stage.writePlugin('b', { version: '2.0.0', needs: { a: '^2.0.0' } });
    await stage.apply('b');
    assert.equal(stage.active, 'a@2.0.0 b@2.0.0');
  });

  it('refuses a new version with which a dependent does not start', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    const body = `if (context.use('a').version !== '1.0.0') throw new Error('only 1.0.0');`;
    await stage.writePlugin('b', { needs: { a: '*' }, body });
    await stage.apply('a', 'b');
    await stage.writePlugin('a', { version: '1.5.0' });
    await stage.apply('a');
    assert.equal(stage.active, 'a@1.0.0 b@1.0.0');
    assert.match(
      stage.events.at(-1) ?? '',
      /rejected a@1.5.0 \(initialize\): 'b', which uses it, does not start with it/,
    );
  });

  it('brings a changed helper to all that share it, or to none', async () => {
    await using stage = await createStage();
    const head = `import { value } from './shared.ts';`;
    await stage.write('shared.ts', `export const value: number = 1;`);
    await stage.writePlugin('a', {
      head,
      body: 'if (value === 2) throw new Error("not two"); note("a sees " + value);',
    });
    await stage.writePlugin('b', { head, body: 'note("b sees " + value);' });
    await stage.apply('a', 'b');
    stage.takeNotes();
    await stage.write('shared.ts', `export const value: number = 2;`);
    await stage.apply('a', 'b');
    assert.match(stage.manager.find('b')?.newestProblem?.message ?? '', /shares shared.ts with a.plugin.ts/);
    const serving = stage.manager.generation.instances.map((instance) =>
      [...instance.build.inputs.values()].sort(),
    );
    await stage.writePlugin('a', { version: '1.1.0', head, body: 'note("a sees " + value);' });
    stage.takeNotes();
    await stage.apply('a');
    const notes = stage.takeNotes();
    assert.ok(notes.includes('a sees 2') && notes.includes('b sees 2'), notes.join());
    assert.equal(serving.length, 2);
  });

  it('does the same where a helper no longer fits one of them at the build', async () => {
    await using stage = await createStage();
    await stage.write('shared.ts', 'export const one = 1; export const two = 2;');
    await stage.writePlugin('a', { head: `import { one } from './shared.ts';`, body: 'note(String(one));' });
    await stage.writePlugin('b', { head: `import { two } from './shared.ts';`, body: 'note(String(two));' });
    await stage.apply('a', 'b');
    stage.takeNotes();
    await stage.write('shared.ts', 'export const two = 22;');
    await stage.apply('a', 'b');
    assert.deepEqual(stage.takeNotes(), []);
    assert.match(stage.manager.find('b')?.newestProblem?.message ?? '', /shares shared.ts with a.plugin.ts/);
  });

  it('reloads on request, and rejects where that fails', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a', { body: `if ((globalThis as any).isDown) throw new Error('down');` });
    await stage.apply('a');
    await stage.manager.reloadPlugin('a');
    assert.deepEqual(stage.events, ['loaded a@1.0.0', 'reloaded a@1.0.0']);
    Object.assign(globalThis, { isDown: true });
    await assert.rejects(
      stage.manager.reloadPlugin('a'),
      /a\.plugin\.ts:\d+:\d+: initialize of 'a' failed: down/,
    );
    Object.assign(globalThis, { isDown: false });
    assert.equal(stage.active, 'a@1.0.0');
    await assert.rejects(stage.manager.reloadPlugin('nobody'), /No plugin 'nobody' is active/);
  });

  it('keeps a plugin that moves to another file', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    await stage.apply('a');
    await stage.write(
      'moved.plugin.ts',
      `export { default } from './a.plugin.ts';`.replace('./a.plugin.ts', './inner.ts'),
    );
    await stage.write(
      'inner.ts',
      `import { definePlugin } from 'sightline'; export default definePlugin({ name: 'a', version: '1.0.1', initialize() {} });`,
    );
    await stage.writePlugin('b', { needs: { a: '*' } });
    await stage.apply('b');
    await stage.manager.apply([
      { kind: 'gone', file: `${stage.folder}/a.plugin.ts` },
      ...(await changesOf(stage, 'moved.plugin.ts')),
    ]);
    assert.equal(stage.active, 'a@1.0.1 b@1.0.0');
    assert.ok(stage.events.includes('reloaded a@1.0.1'));
  });
});

describe('unloading plugins', () => {
  it('takes away what was registered, and waits for the exchanges that began with it', async () => {
    await using stage = await createStage();
    const body = `context.registerHook('exchange.ended', () => undefined); context.registerMiddleware({ name: 'a', onError() {} });`;
    await stage.writePlugin('a', { body });
    await stage.apply('a');
    const { lease } = stage.manager.services;
    lease?.acquire();
    await stage.remove('a');
    assert.deepEqual([stage.hooksAt('exchange.ended'), middlewareNames(stage)], [false, []]);
    assert.equal(stage.stateOf('a'), 'draining');
    assert.deepEqual(stage.takeNotes(), ['a@1.0.0 initialize']);
    lease?.release();
    await stage.drained();
    assert.deepEqual(stage.takeNotes(), ['a@1.0.0 abort', 'a@1.0.0 cleanup']);
    assert.equal(stage.manager.records.length, 0);
    assert.equal(stage.events.at(-1), 'unloaded a@1.0.0');
  });

  it('is refused while others need it, with their names, and can be had again', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    await stage.writePlugin('b', { needs: { a: '*' } });
    await stage.writePlugin('c', { needs: { a: '*' } });
    await stage.apply('a', 'b', 'c');
    await assert.rejects(stage.manager.unloadPlugin('a'), {
      code: 'plugin_needed',
      message: "'a' is needed by b, c.",
    });
    await stage.manager.unloadPlugin('b');
    await stage.manager.unloadPlugin('c');
    await stage.manager.unloadPlugin('a');
    await stage.drained();
    assert.equal(stage.active, '');
    assert.equal(stage.stateOf('a'), 'unloaded');
    await assert.rejects(stage.manager.unloadPlugin('a'), { code: 'resource_unknown' });
    await stage.apply('a');
    assert.equal(stage.active, 'a@1.0.0');
  });

  it('is refused with the names of those that run, and not of one that needs it as well and was rejected', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    await stage.writePlugin('b', { needs: { a: '*' } });
    await stage.writePlugin('c', { needs: { a: '*', absent: '*' } });
    await stage.apply('a', 'b', 'c');
    assert.equal(stage.stateOf('c'), 'rejected');
    await assert.rejects(stage.manager.unloadPlugin('a'), { message: "'a' is needed by b." });
    assert.equal(stage.stateOf('c'), 'rejected');
    await stage.manager.unloadPlugin('b');
    await stage.manager.unloadPlugin('a');
    assert.equal(stage.active, '');
  });

  it('keeps a plugin whose file is gone while others need it, and lets it go with the last of them', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    await stage.writePlugin('b', { needs: { a: '*' } });
    await stage.apply('a', 'b');
    await stage.remove('a');
    assert.equal(stage.active, 'a@1.0.0 b@1.0.0');
    assert.deepEqual(stage.manager.find('a')?.keptFor, ['b']);
    await stage.remove('b');
    await stage.drained();
    assert.equal(stage.active, '');
    assert.equal(stage.manager.records.length, 0);
  });

  it('restarts those that used it optionally', async () => {
    await using stage = await createStage();
    const body = `note(context.useOptional('a') ? 'with a' : 'without a');`;
    await stage.writePlugin('b', { mayUse: { a: '*' }, body });
    await stage.apply('b');
    await stage.writePlugin('a');
    await stage.apply('a');
    await stage.remove('a');
    await stage.drained();
    assert.deepEqual(
      stage.takeNotes().filter((note) => note.startsWith('with')),
      ['without a', 'with a', 'without a'],
    );
  });

  it('never takes a required one', async () => {
    await using stage = await createStage({ required: ['a'] });
    await stage.writePlugin('a');
    await stage.apply('a');
    await assert.rejects(stage.manager.unloadPlugin('a'), /'a' is required by the configuration/);
    await stage.remove('a');
    assert.equal(stage.active, 'a@1.0.0');
  });

  it('lets go of an old generation at the deadline, and says how many exchanges still run', async () => {
    await using stage = await createStage({ limits: { pluginDrainTimeoutMs: 5 } });
    await stage.writePlugin('a');
    await stage.apply('a');
    stage.manager.services.lease?.acquire();
    await stage.remove('a');
    await stage.drained();
    assert.ok(stage.takeNotes().includes('a@1.0.0 cleanup'));
    assert.ok(
      stage.logged.some((line) => /^1 exchanges still go through an old generation/.test(String(line.msg))),
    );
  });

  it('cleans up a version only when the last of the generations that have it has drained', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    await stage.writePlugin('b');
    await stage.apply('a', 'b');
    const { lease: first } = stage.manager.services;
    first?.acquire();
    await stage.writePlugin('a', { version: '1.1.0' });
    await stage.apply('a');
    const { lease: second } = stage.manager.services;
    second?.acquire();
    await stage.remove('b');
    stage.takeNotes();
    second?.release();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(stage.takeNotes(), [], 'the first generation still has b');
    first?.release();
    await stage.drained();
    assert.deepEqual(
      stage.takeNotes().filter((note) => note.endsWith('cleanup')),
      ['b@1.0.0 cleanup', 'a@1.0.0 cleanup'],
    );
  });

  it('cleans everything up when it stops, dependents first, once', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    await stage.writePlugin('b', { needs: { a: '*' } });
    await stage.apply('a', 'b');
    stage.takeNotes();
    await Promise.all([stage.manager.stop(), stage.manager.stop()]);
    assert.deepEqual(stage.takeNotes(), [
      'b@1.0.0 abort',
      'b@1.0.0 cleanup',
      'a@1.0.0 abort',
      'a@1.0.0 cleanup',
    ]);
    await stage.apply('a');
    assert.deepEqual(stage.takeNotes(), [], 'nothing is loaded any more');
  });
});

async function changesOf(stage: Awaited<ReturnType<typeof createStage>>, name: string) {
  const { PluginBuilder } = await import('../../../src/plugins/compile/builder.ts');
  const builder = new PluginBuilder({ folder: stage.folder, fileBytesMax: 1e6 });
  const file = `${stage.folder}/${name}`;
  const build = await builder.build(file);
  await builder.close();
  return [{ kind: 'built' as const, file, build }];
}
