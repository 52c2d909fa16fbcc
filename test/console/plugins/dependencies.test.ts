import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dependenciesOf, describeNeed } from '../../../src/console/page/plugins/dependencies.ts';
import {
  nameOf,
  oldVersionsOf,
  openBreakers,
  placeOf,
} from '../../../src/console/page/plugins/plugin-name.ts';
import { brokenView, pluginsView, pluginView } from './views.ts';

describe('who needs whom', () => {
  const tenant = pluginView('tenant');
  const cost = pluginView('cost', {
    dependencies: { tenant: '^1.0.0' },
    optionalDependencies: { vault: '^1.0.0', tenant2: '^3.0.0' },
    unmet: ['tenant2', 'vault'],
  });

  it('leaves out those that nobody needs and that need nobody', () => {
    const { nodes } = dependenciesOf([tenant, cost, pluginView('alone')]);
    assert.deepEqual(
      nodes.map(({ name }) => name),
      ['cost', 'tenant', 'tenant2', 'vault'],
    );
    assert.deepEqual(dependenciesOf([tenant, pluginView('alone')]), { nodes: [], needs: [] });
  });

  it('says what is not there, and what is there in another version', () => {
    const { needs } = dependenciesOf([tenant, cost, pluginView('tenant2')]);
    assert.deepEqual(needs.map(describeNeed), [
      'cost needs tenant ^1.0.0',
      'cost can use vault ^1.0.0, which is not active',
      'cost can use tenant2 ^3.0.0, and another version is active',
    ]);
  });

  it('takes the plugin that is active where two files want one name', () => {
    const second = { ...brokenView('copy'), name: 'tenant' };
    const { nodes } = dependenciesOf([second, tenant, cost]);
    assert.equal(nodes.find(({ name }) => name === 'tenant')?.plugin, tenant);
  });
});

describe('a plugin in words', () => {
  it('has the name of its file where it has told none', () => {
    assert.equal(nameOf(brokenView('hello')), 'hello');
    assert.equal(nameOf({ file: 'C:\\plugins\\hello.plugin.mjs' }), 'hello');
  });

  it('has a place that editors understand', () => {
    assert.equal(placeOf({ file: '/plugins/a.plugin.ts', line: 4, column: 3 }), '/plugins/a.plugin.ts:4:3');
    assert.equal(placeOf({ file: '/plugins/a.plugin.ts' }), '/plugins/a.plugin.ts');
  });

  it('names what is left out, by its breaker', () => {
    const plugin = pluginView('hello', {
      middleware: [{ name: 'hello', priority: 50, onFailure: 'fail', breaker: 'open' }],
      hooks: [
        { point: 'exchange.ended', priority: 50, breaker: 'closed' },
        { point: 'reply.head', priority: 50, breaker: 'half_open' },
      ],
      messageTypes: [{ type: 'translate' }],
    });
    assert.deepEqual(openBreakers(plugin), [
      { what: 'middleware hello', state: 'open' },
      { what: 'hook at reply.head', state: 'half_open' },
    ]);
  });

  it('names of an old generation what is not active any more', () => {
    const view = {
      ...pluginsView(pluginView('hello', { version: '1.1.0' }), pluginView('tenant')),
      draining: [{ generation: 1, exchanges: 2, plugins: ['hello@1.0.0', 'tenant@1.0.0'] }],
    };
    assert.deepEqual(oldVersionsOf(view), [{ generation: 1, exchanges: 2, replaced: ['hello@1.0.0'] }]);
  });
});
