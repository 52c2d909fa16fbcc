import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Dependent,
  dependentsOf,
  findConflicts,
  inDependencyOrder,
  usedBy,
} from '../../../src/plugins/lifecycle/dependencies.ts';

function plugin(name: string, version: string, needs = {}, mayUse = {}): Dependent {
  return { name, version, dependencies: needs, optionalDependencies: mayUse };
}

describe('dependencies of plugins', () => {
  it('are initialized before those that need them, ties in order of name', () => {
    const set = [
      plugin('z', '1.0.0'),
      plugin('b', '1.0.0', { z: '^1.0.0' }),
      plugin('c', '1.0.0'),
      plugin('a', '1.0.0', { b: '*' }),
    ];
    const order = inDependencyOrder(set).map((one) => one.name);
    assert.deepEqual(order, ['z', 'b', 'a', 'c']);
    assert.deepEqual(
      inDependencyOrder([...set].reverse()).map((one) => one.name),
      order,
    );
  });

  it('say who needs what in which range, and what is there instead', () => {
    const set = [plugin('meter', '2.0.0', { tenant: '^2.1.0', prices: '~1.0.0' }), plugin('tenant', '1.4.0')];
    assert.deepEqual(
      findConflicts(set).map((conflict) => [conflict.message, conflict.plugins, conflict.provider]),
      [
        ['meter 2.0.0 needs tenant ^2.1.0, and tenant 1.4.0 is here.', ['meter'], 'tenant'],
        ["meter 2.0.0 needs prices ~1.0.0, and no 'prices' is active.", ['meter'], undefined],
      ],
    );
  });

  it('report a cycle with its path', () => {
    const set = [
      plugin('a', '1.0.0', { b: '*' }),
      plugin('b', '1.0.0', { c: '*' }),
      plugin('c', '1.0.0', { a: '*' }),
      plugin('outside', '1.0.0', { a: '*' }),
    ];
    const [conflict] = findConflicts(set);
    assert.equal(conflict?.message, 'The dependencies form a cycle: a → b → c → a.');
    assert.deepEqual(conflict?.plugins, ['a', 'b', 'c']);
  });

  it('report a plugin that needs itself, and a cycle through an optional dependency', () => {
    assert.match(findConflicts([plugin('a', '1.0.0', { a: '*' })])[0]?.message ?? '', /cycle: a → a\.$/);
    const set = [plugin('a', '1.0.0', {}, { b: '*' }), plugin('b', '1.0.0', { a: '*' })];
    assert.match(findConflicts(set)[0]?.message ?? '', /cycle: a → b → a\.$/);
  });

  it('use an optional one only where it is there in the range', () => {
    const user = plugin('user', '1.0.0', {}, { old: '^2.0.0', fit: '^1.0.0', none: '*' });
    const set = [user, plugin('old', '1.0.0'), plugin('fit', '1.2.0')];
    assert.deepEqual(usedBy(user, new Map(set.map((one) => [one.name, one]))), ['fit']);
    assert.deepEqual(findConflicts(set), []);
    assert.deepEqual(
      inDependencyOrder(set).map((one) => one.name),
      ['fit', 'old', 'user'],
    );
  });

  it('know who is concerned when one changes, over several steps', () => {
    const set = [
      plugin('base', '1.0.0'),
      plugin('middle', '1.0.0', { base: '*' }),
      plugin('top', '1.0.0', {}, { middle: '*' }),
      plugin('other', '1.0.0'),
    ];
    assert.deepEqual([...dependentsOf(['base'], set)].sort(), ['middle', 'top']);
    assert.deepEqual([...dependentsOf(['other'], set)], []);
  });

  it('does not take a pre-release for the release that it precedes', () => {
    const set = [plugin('a', '1.0.0', { b: '^1.0.0' }), plugin('b', '1.1.0-beta.1')];
    assert.equal(findConflicts(set).length, 1);
  });
});
