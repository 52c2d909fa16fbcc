import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BatchObservableResult, ObservableCallback } from '@opentelemetry/api';
import type { Alert } from '../../src/alerts/alert.ts';
import { Alerts } from '../../src/alerts/alerts.ts';
import type { AlertNotification, Receiver } from '../../src/alerts/receivers/notification.ts';
import type { Threshold } from '../../src/alerts/threshold.ts';
import { HookSystem } from '../../src/hooks/hook-system.ts';
import { FakeCollector, threshold } from './fakes.ts';
import { LogBook } from './receivers/delivery-context.ts';

class FakeReceiver implements Receiver {
  readonly told: AlertNotification[] = [];
  stoppedWithin: number[] = [];

  notify(notification: AlertNotification): void {
    this.told.push(notification);
  }

  async stop(timeoutMs: number): Promise<void> {
    this.stoppedWithin.push(timeoutMs);
  }
}

class Scene {
  readonly collector = new FakeCollector();
  readonly book = new LogBook();
  readonly receiver = new FakeReceiver();
  readonly failures: string[] = [];
  readonly hooks = new HookSystem({
    timeoutMs: 1_000,
    pendingMax: 10,
    onFailure: (point) => this.failures.push(point),
  });
  /** As a generation of plugins has them. */
  pluginHooks = new HookSystem({ timeoutMs: 1_000, pendingMax: 10, onFailure: () => {} }, this.hooks);
  readonly alerts: Alerts;
  #observe: ObservableCallback | undefined;

  constructor(thresholds: readonly Threshold[], { start = true } = {}) {
    const alertsFiring = {
      addCallback: (callback: ObservableCallback) => {
        this.#observe = callback;
      },
      removeCallback: () => undefined,
    };
    this.alerts = new Alerts({
      thresholds,
      collector: this.collector,
      hooks: this.hooks,
      currentHooks: () => this.pluginHooks,
      receivers: [this.receiver],
      identity: { name: 'sightline', namespace: undefined, instanceId: 'instance-1', host: undefined },
      instruments: { alertsFiring },
      limits: { flushTimeoutMs: 77, labelValuesMax: 2, snapshotIntervalMs: 5_000 },
      log: this.book.log,
      clock: this.collector.clock,
    });
    if (start) this.alerts.start();
  }

  get states() {
    return this.alerts.all.map(({ id, of, state }) => [id, of, state]);
  }

  get gauge() {
    const points: unknown[] = [];
    this.#observe?.({ observe: (value, attributes) => points.push([value, attributes]) });
    return points as Parameters<BatchObservableResult['observe']>[];
  }
}

const ratio = threshold({ id: 'error-ratio', field: 'errorRatio', limit: 0.5, windowMs: 60_000 });
const errors = threshold({ id: 'errors', field: 'errors', limit: 10, windowMs: 60_000, holdMs: 10_000 });
const memory = threshold({ id: 'memory', field: 'memory.rssMb', limit: 500, windowMs: 0, unit: 'MB' });
const unreachable = threshold({
  id: 'upstream-unreachable',
  field: 'upstreams.*.up',
  by: 'sightline.upstream',
  comparison: 'below',
  limit: 1,
  windowMs: 0,
  severity: 'critical',
});

describe('alerts', () => {
  test('fire and are resolved with the figures of their windows', () => {
    const scene = new Scene([ratio, errors, memory]);
    scene.collector.show(5_000, { errorRatio: 0.9, errors: 11 });
    assert.deepEqual(scene.states, [
      ['error-ratio', undefined, 'firing'],
      ['errors', undefined, 'pending'],
      ['memory', undefined, 'inactive'],
    ]);
    // Each window is asked for once.
    assert.deepEqual(scene.collector.windows, [60_000, 0]);
    scene.collector.show(15_000, { errors: 11 });
    assert.deepEqual(scene.states, [
      ['errors', undefined, 'firing'],
      ['error-ratio', undefined, 'resolved'],
      ['memory', undefined, 'inactive'],
    ]);
  });

  test('tell the log what it is and what to do', () => {
    const scene = new Scene([memory, unreachable]);
    scene.collector.show(1, { memory: { rssMb: 600, heapMb: 1 }, upstreams: { spare: { up: 0 } } });
    scene.collector.show(90_100, { upstreams: { spare: { up: 1 } } });
    const { summary, action } = memory;
    const common = {
      'event.name': 'sightline.alert',
      alert: 'memory',
      of: undefined,
      limit: 500,
      unit: 'MB',
      severity: 'warning',
    };
    const of = { ...common, alert: 'upstream-unreachable', of: 'spare', limit: 1, unit: '' };
    assert.deepEqual(scene.book.lines, [
      {
        ...common,
        value: 600,
        summary,
        action,
        level: 'warn',
        message: `alert 'memory' fires: ${summary} Error ratio: 600 MB, above the limit of 500 MB.`,
      },
      {
        ...of,
        severity: 'critical',
        value: 0,
        summary,
        action,
        level: 'error',
        message: `alert 'upstream-unreachable' of 'spare' fires: ${summary} Error ratio: 0, below the limit of 1.`,
      },
      {
        ...common,
        value: 100,
        summary,
        action,
        level: 'info',
        message: "alert 'memory' is resolved, after 90s",
      },
      {
        ...of,
        severity: 'critical',
        value: 1,
        summary,
        action,
        level: 'info',
        message: "alert 'upstream-unreachable' of 'spare' is resolved, after 90s",
      },
    ]);
  });

  test('tell hooks of the service, of the plugins of now, and callbacks', () => {
    const scene = new Scene([ratio]);
    const heard: unknown[] = [];
    const listen = (who: string) => (payload: { alert: Alert }) => {
      assert.ok(Object.isFrozen(payload) && Object.isFrozen(payload.alert));
      heard.push([who, payload.alert.state]);
    };
    scene.hooks.registerHook('alert.fired', listen('service'));
    scene.hooks.registerHook('alert.resolved', listen('service'));
    scene.pluginHooks.registerHook('alert.fired', listen('old plugin'));
    scene.pluginHooks.registerHook('alert.resolved', listen('old plugin'));
    const remove = scene.alerts.onTransition(({ state }) => heard.push(['callback', state]));
    scene.collector.show(1, { errorRatio: 1 });
    scene.pluginHooks = new HookSystem({ timeoutMs: 1, pendingMax: 1, onFailure: () => {} }, scene.hooks);
    scene.pluginHooks.registerHook('alert.resolved', listen('new plugin'));
    scene.collector.show(2, { errorRatio: 0 });
    remove();
    scene.collector.show(3, { errorRatio: 1 });
    assert.deepEqual(heard, [
      ['service', 'firing'],
      ['callback', 'firing'],
      ['old plugin', 'firing'],
      ['service', 'resolved'],
      ['callback', 'resolved'],
      ['new plugin', 'resolved'],
      ['service', 'firing'],
    ]);
  });

  test('tell receivers, under ids that tell messages and incidents apart', () => {
    const scene = new Scene([unreachable]);
    for (const [i, up] of [0, 1, 0, 0].entries())
      scene.collector.show(i + 1, { upstreams: { a: { up }, b: { up: 1 } } });
    const { told } = scene.receiver;
    assert.deepEqual(
      told.map(({ alert, threshold }) => [alert.of, alert.state, threshold.by]),
      [
        ['a', 'firing', 'sightline.upstream'],
        ['a', 'resolved', 'sightline.upstream'],
        ['a', 'firing', 'sightline.upstream'],
      ],
    );
    assert.equal(new Set(told.map(({ id }) => id)).size, 3);
    assert.equal(told[0]?.incident, told[1]?.incident);
    assert.notEqual(told[0]?.incident, told[2]?.incident);
  });

  test('survive callbacks that fail', async () => {
    const scene = new Scene([ratio, memory]);
    scene.alerts.onTransition(() => {
      throw new Error('broken');
    });
    scene.alerts.onTransition(() => Promise.reject(new Error('broken later')));
    scene.collector.show(1, { errorRatio: 1, memory: { rssMb: 600, heapMb: 1 } });
    await scene.pluginHooks.idle();
    assert.deepEqual(
      scene.states.map(([, , state]) => state),
      ['firing', 'firing'],
    );
    assert.equal(scene.receiver.told.length, 2);
  });

  test('fire after their hold time, also where the clock is set back by an hour', () => {
    const scene = new Scene([errors]);
    const hour = 3_600_000;
    scene.collector.show(2 * hour, { errors: 11 }, 0);
    scene.collector.show(hour, { errors: 11 }, 5_000);
    assert.equal(scene.states[0]?.[2], 'pending');
    scene.collector.show(hour + 5_000, { errors: 11 }, 10_000);
    assert.deepEqual(
      scene.alerts.all.map(({ state, since }) => [state, since]),
      [['firing', hour + 5_000]],
    );
  });

  test('take no pause of the process for time in which a figure was beyond its limit', () => {
    const scene = new Scene([{ ...unreachable, holdMs: 30_000, keepMs: 30_000 }]);
    const hour = 3_600_000;
    const stateAt = (at: number, up: number) => {
      scene.collector.show(at, { upstreams: { a: { up } } });
      return scene.states[0]?.[2];
    };
    // What was known before the pause says nothing of what was meanwhile.
    assert.deepEqual(
      [stateAt(0, 0), stateAt(hour, 0), stateAt(hour + 5_000, 1)],
      ['pending', 'pending', 'inactive'],
    );
    const looks = [0, 5, 10, 15, 20, 25, 30].map((s) => stateAt(2 * hour + s * 1_000, 0));
    assert.deepEqual(looks, [...Array(6).fill('pending'), 'firing']);
    assert.deepEqual([stateAt(3 * hour, 1), stateAt(4 * hour, 1)], ['firing', 'firing']);
  });

  test('tell when they were evaluated last', () => {
    const scene = new Scene([errors]);
    assert.equal(scene.alerts.evaluatedAt, undefined);
    scene.collector.show(5, {});
    assert.equal(scene.alerts.evaluatedAt, 5);
  });

  test('are listed with those first that fire, of them the critical ones', () => {
    const scene = new Scene([errors, memory, ratio, unreachable]);
    const rssMb = 600;
    scene.collector.show(1, { memory: { rssMb, heapMb: 1 }, errors: 11, upstreams: { a: { up: 0 } } });
    assert.deepEqual(
      scene.states.map(([id, , state]) => `${id} ${state}`),
      ['upstream-unreachable firing', 'memory firing', 'errors pending', 'error-ratio inactive'],
    );
  });

  test('of one threshold do not keep others from being evaluated', () => {
    const broken = { ...threshold({ id: 'broken' }), field: undefined as never };
    const scene = new Scene([broken, ratio]);
    scene.collector.show(1, { errorRatio: 1 });
    assert.deepEqual(scene.states[0], ['error-ratio', undefined, 'firing']);
    assert.match(scene.book.lines[0]?.message ?? '', /^alert 'broken' could not be evaluated$/);
  });

  test('are a gauge: 1 for those that fire, 0 for those that do not, or are no more', () => {
    const scene = new Scene([memory, unreachable]);
    const ofMemory = { 'sightline.alert': 'memory', 'sightline.alert.severity': 'warning' };
    const of = (upstream: string) => ({
      'sightline.alert': 'upstream-unreachable',
      'sightline.alert.severity': 'critical',
      'sightline.upstream': upstream,
    });
    assert.deepEqual(scene.gauge, [[0, ofMemory]]);
    scene.collector.show(1, { upstreams: { a: { up: 0 }, b: { up: 1 } } });
    assert.deepEqual(scene.gauge, [
      [0, ofMemory],
      [1, of('a')],
      [0, of('b')],
    ]);
    for (const at of [2, 3]) scene.collector.show(at, {});
    assert.deepEqual(scene.gauge, [
      [0, ofMemory],
      [0, of('a')],
      [0, of('b')],
    ]);
    // Beyond the bound of the label, they are one.
    scene.collector.show(4, { upstreams: { c: { up: 0 }, d: { up: 1 } } });
    assert.deepEqual(scene.gauge, [
      [0, ofMemory],
      [0, of('a')],
      [0, of('b')],
      [1, of('other')],
    ]);
  });

  test('are evaluated no more after the end, which waits for receivers once', async () => {
    const scene = new Scene([ratio]);
    await Promise.all([scene.alerts.stop(), scene.alerts.stop()]);
    scene.alerts.start();
    assert.equal(scene.collector.isWatched, false);
    scene.collector.show(1, { errorRatio: 1 });
    assert.deepEqual(scene.states, [['error-ratio', undefined, 'inactive']]);
    assert.deepEqual(scene.receiver.stoppedWithin, [77]);
  });

  test('can be stopped before they were started, and do not start after that', async () => {
    const scene = new Scene([ratio], { start: false });
    await scene.alerts.stop();
    scene.alerts.start();
    assert.equal(scene.collector.isWatched, false);
  });
});
