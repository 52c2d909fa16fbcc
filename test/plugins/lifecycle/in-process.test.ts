import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createNoopMeter, type Meter, type ObservableCallback } from '@opentelemetry/api';
import { createStage } from './stage.ts';

it('an initialize that throws what has no words is undone like any other', async () => {
  await using stage = await createStage();
  await stage.writePlugin('a', { body: 'throw Object.create(null);' });
  await stage.apply('a');
  assert.deepEqual(stage.takeNotes(), ['a@1.0.0 initialize', 'a@1.0.0 abort', 'a@1.0.0 cleanup']);
  assert.match(stage.events[0] ?? '', /initialize of 'a' failed: it threw something that cannot be told/);
});

it('a cleanup that throws such a thing harms nobody', async () => {
  await using stage = await createStage();
  await stage.write(
    'a.plugin.ts',
    `import { definePlugin } from 'sightline';
    export default definePlugin({ name: 'a', version: '1.0.0', initialize() {}, cleanup() { throw Object.create(null); } });`,
  );
  await stage.apply('a');
  await stage.remove('a');
  await stage.drained();
  assert.deepEqual(stage.manager.records, []);
});

it('what a version does to its config is not found by the next one, nor by the configuration', async () => {
  const config = { a: { list: [1], of: { size: 1 } } };
  await using stage = await createStage({ config });
  const body = `
    const own = context.config as any;
    note(JSON.stringify(own));
    own.list.push(2);
    own.of.size = 2;`;
  for (const version of ['1.0.0', '1.1.0']) {
    await stage.writePlugin('a', { version, body });
    await stage.apply('a');
  }
  const seen = stage.takeNotes().filter((note) => note.startsWith('{'));
  assert.deepEqual(seen, [JSON.stringify(config.a), JSON.stringify(config.a)]);
  assert.deepEqual(config, { a: { list: [1], of: { size: 1 } } });
});

it('a plugin without config gets an empty one, whatever its name', async () => {
  await using stage = await createStage();
  await stage.writePlugin('constructor', { body: 'note(JSON.stringify(context.config));' });
  await stage.apply('constructor');
  assert.ok(stage.takeNotes().includes('{}'));
});

it('what code adds to its meter when its version is gone is not taken', async () => {
  const callbacks = new Set<ObservableCallback>();
  const noop = createNoopMeter();
  const meter: Meter = Object.assign(Object.create(noop), {
    createObservableGauge: (name: string) =>
      Object.assign(Object.create(noop.createObservableGauge(name)), {
        addCallback: (callback: ObservableCallback) => callbacks.add(callback),
        removeCallback: (callback: ObservableCallback) => callbacks.delete(callback),
      }),
  });
  await using stage = await createStage({ meter });
  const body = `
    const add = (name: string) => context.meter.createObservableGauge(name).addCallback(() => undefined);
    add('at once');
    context.signal.addEventListener('abort', () => void Promise.resolve().then(async () => {
      for (let i = 0; i < 10; i += 1) await undefined;
      add('late');
    }));`;
  await stage.writePlugin('a', { body });
  await stage.apply('a');
  assert.equal(callbacks.size, 1);
  await stage.remove('a');
  await stage.drained();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(callbacks.size, 0);
});
