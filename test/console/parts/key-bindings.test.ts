import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeyBindings } from '../../../src/console/page/parts/key-bindings.ts';

function listen(...names: readonly string[]) {
  const heard: string[] = [];
  const map = Object.fromEntries(names.map((name) => [name, () => heard.push(name)]));
  return { heard, map };
}

describe('the keys of the page', () => {
  it('run what they stand for, alone and in sequence', () => {
    const bindings = new KeyBindings();
    const { heard, map } = listen('/', 'g l', 'g m');
    bindings.add(() => map);
    const taken = ['/', 'x', 'g', 'm', 'm', 'g', 'l'].map((key, at) => bindings.press(key, at));
    assert.deepEqual(heard, ['/', 'g m', 'g l']);
    assert.deepEqual(taken, [true, false, true, true, false, true, true]);
  });

  it('give a sequence that has begun the next key, before it stands for something alone', () => {
    const bindings = new KeyBindings();
    const view = listen('a');
    const page = listen('g a');
    bindings.add(() => page.map);
    bindings.add(() => view.map);
    for (const key of ['g', 'a', 'a']) bindings.press(key, 0);
    assert.deepEqual([page.heard, view.heard], [['g a'], ['a']]);
  });

  it('forget what was begun when it goes nowhere, or after a pause', () => {
    const bindings = new KeyBindings();
    const { heard, map } = listen('g l', 'l', 'x');
    bindings.add(() => map);
    bindings.press('g', 0);
    bindings.press('x', 10);
    bindings.press('l', 20);
    bindings.press('g', 1_000);
    bindings.press('l', 9_000);
    assert.deepEqual(heard, ['x', 'l', 'l']);
  });

  it('are those of whoever came last, until it goes', () => {
    const bindings = new KeyBindings();
    const [first, last] = [listen('/'), listen('/')];
    bindings.add(() => first.map);
    const remove = bindings.add(() => last.map);
    bindings.press('/', 0);
    remove();
    remove();
    bindings.press('/', 0);
    assert.deepEqual([first.heard, last.heard], [['/'], ['/']]);
  });

  it('are listed where they have words, the newest first', () => {
    const bindings = new KeyBindings();
    const run = () => undefined;
    bindings.add(() => ({ 'g l': { label: 'Go to Live', run }, x: run }));
    bindings.add(() => ({ '/': { label: 'Search', run } }));
    assert.deepEqual(bindings.labelled(), [
      [{ keys: '/', label: 'Search' }],
      [{ keys: 'g l', label: 'Go to Live' }],
    ]);
  });

  it('do not take what every object has for a key', () => {
    const bindings = new KeyBindings();
    bindings.add(() => ({}));
    assert.equal(bindings.press('constructor', 0), false);
  });
});
