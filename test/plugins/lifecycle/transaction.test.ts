import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createStage, middlewareNames, stackEntry } from './stage.ts';

const named = (name: string, version: string) =>
  `import { definePlugin } from 'sightline'; export default definePlugin({ name: '${name}', version: '${version}', initialize() {} });`;

describe('names of middleware', () => {
  it('are those at registration, whatever their objects say later', async () => {
    await using stage = await createStage();
    const body = `
      const first = { name: 'first', beforeQuery() {} };
      const second = { name: 'second', beforeQuery() {} };
      context.registerMiddleware(first);
      context.registerMiddleware(second);
      second.name = 'first';`;
    await stage.writePlugin('a', { body });
    await stage.apply('a');
    assert.deepEqual(middlewareNames(stage), ['a/first', 'a/second']);
  });

  it('cannot be those of the configuration; the plugin is rejected, and the rest of its batch loaded', async () => {
    await using stage = await createStage({ middleware: [stackEntry({ name: 'a/tags' })] });
    await stage.writePlugin('a', {
      body: `context.registerMiddleware({ name: 'tags', beforeQuery() {} });`,
    });
    await stage.writePlugin('b');
    await stage.apply('a', 'b');
    assert.equal(stage.active, 'b@1.0.0');
    assert.equal(stage.stateOf('a'), 'failed');
    assert.ok(stage.takeNotes().includes('a@1.0.0 cleanup'));
    assert.match(
      stage.events.at(-1) ?? '',
      /The name 'a\/tags' of its middleware is that of one of the configuration/,
    );
  });
});

describe('a required plugin', () => {
  it('stays where a new version of its file takes another name', async () => {
    await using stage = await createStage({ required: ['a'] });
    await stage.writePlugin('a');
    await stage.apply('a');
    await stage.write('a.plugin.ts', named('other', '1.1.0'));
    await stage.apply('a');
    assert.equal(stage.active, 'a@1.0.0');
    assert.match(stage.events.at(-1) ?? '', /'a' is required by the configuration, and would be lost/);
  });

  it('moves to another file', async () => {
    await using stage = await createStage({ required: ['a'] });
    await stage.writePlugin('a');
    await stage.apply('a');
    await stage.write('moved.plugin.ts', named('a', '1.1.0'));
    await stage.apply('moved');
    await stage.remove('a');
    await stage.drained();
    assert.equal(stage.active, 'a@1.1.0');
    assert.deepEqual(stage.events.slice(2), ['reloaded a@1.1.0']);
  });

  it('stays where its file is gone, which is told once', async () => {
    await using stage = await createStage({ required: ['a'] });
    await stage.writePlugin('a');
    await stage.apply('a');
    await stage.remove('a');
    await stage.writePlugin('b');
    await stage.apply('b');
    assert.equal(stage.active, 'a@1.0.0 b@1.0.0');
    assert.deepEqual(stage.manager.find('a')?.keptFor, ['the configuration']);
    assert.equal(stage.logged.filter((line) => /its file is gone/.test(String(line.msg))).length, 1);
  });
});

describe('a version that waits', () => {
  const head = `import { value } from './shared.ts';`;

  it('for another one that shares its helper is not tried with something else', async () => {
    await using stage = await createStage();
    await stage.write('shared.ts', `export const value: number = 1;`);
    await stage.writePlugin('a', { head, body: 'if (value === 2) throw new Error("not two");' });
    await stage.writePlugin('b', { head, body: 'note("b sees " + value);' });
    await stage.apply('a', 'b');
    await stage.write('shared.ts', `export const value: number = 2;`);
    await stage.apply('a', 'b');
    stage.takeNotes();
    await stage.writePlugin('c');
    await stage.apply('c');
    assert.deepEqual(stage.takeNotes(), ['c@1.0.0 initialize']);
    await stage.remove('a');
    assert.ok(stage.takeNotes().includes('b sees 2'), 'nobody shares it any more');
  });

  it('the same where the other one does not even compile', async () => {
    await using stage = await createStage();
    await stage.write('shared.ts', 'export const value = 1; export const one = 1;');
    await stage.writePlugin('a', { head: `import { one } from './shared.ts';`, body: 'note(String(one));' });
    await stage.writePlugin('b', { head, body: 'note("b sees " + value);' });
    await stage.apply('a', 'b');
    await stage.write('shared.ts', 'export const value = 2;');
    await stage.apply('a', 'b');
    stage.takeNotes();
    await stage.writePlugin('c');
    await stage.apply('c');
    assert.deepEqual(stage.takeNotes(), ['c@1.0.0 initialize']);
  });

  it('does not come in the place of the one that is unloaded, now or later', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    await stage.apply('a');
    await stage.writePlugin('a', { version: '2.0.0', needs: { c: '*' } });
    await stage.apply('a');
    await stage.manager.unloadPlugin('a');
    await stage.drained();
    assert.equal(stage.stateOf('a'), 'unloaded');
    await stage.writePlugin('c');
    await stage.apply('c');
    assert.equal(stage.active, 'c@1.0.0');
  });

  it('is told again when it was saved anew, also where nothing else has become of it', async () => {
    await using stage = await createStage();
    for (const body of ['', '// Another try.']) {
      await stage.writePlugin('b', { needs: { a: '^1.0.0' }, body });
      await stage.apply('b');
    }
    assert.equal(stage.events.filter((event) => event.startsWith('rejected')).length, 2);
  });

  it('gets in with an active one that was to change its name and could not', async () => {
    await using stage = await createStage();
    await stage.writePlugin('a');
    await stage.apply('a');
    await stage.write(
      'a.plugin.ts',
      named('other', '1.0.0').replace('initialize() {}', `initialize() { throw new Error('no'); }`),
    );
    await stage.writePlugin('b', { needs: { a: '*' } });
    await stage.apply('a', 'b');
    assert.equal(stage.active, 'a@1.0.0 b@1.0.0');
  });
});
