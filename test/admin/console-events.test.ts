import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import express, { type ErrorRequestHandler } from 'express';
import type { AlertsView } from '../../src/admin/api/alerts.ts';
import type { ExchangesTick } from '../../src/admin/api/events.ts';
import { type ConsoleEventsOptions, consoleEventRoutes, type Every } from '../../src/admin/console-events.ts';
import { EventStreams } from '../../src/admin/event-stream.ts';
import { figuresAsJson } from '../../src/admin/figures-as-json.ts';
import { asSightlineError } from '../../src/errors.ts';
import { defaultLimits, type Limits } from '../../src/limits.ts';
import type { Snapshot } from '../../src/snapshots/snapshot.ts';
import { PluginFolder, startWithFolder } from '../plugins/folder.ts';
import { readToEnd, sendChat } from '../support/chat-client.ts';
import { startService } from '../support/service.ts';
import { type ReadEvent, readEvents } from './read-events.ts';

type Service = Awaited<ReturnType<typeof startService>>;

/** Time passes when the test says so. */
class Ticker {
  readonly running = new Set<() => void>();
  readonly #events = new EventEmitter();
  readonly every: Every = (_intervalMs, callback) => {
    this.running.add(callback);
    this.#events.emit('change');
    return () => {
      this.running.delete(callback);
      this.#events.emit('change');
    };
  };

  async untilRunning(count: number): Promise<void> {
    while (this.running.size !== count) await once(this.#events, 'change');
  }

  tick(times = 1): void {
    for (let i = 0; i < times; i += 1) for (const callback of this.running) callback();
  }
}

interface StageOptions {
  readonly limits?: Partial<Limits>;
  /** Default: a service without plugins. */
  readonly service?: Service;
  readonly parts?: Partial<ConsoleEventsOptions>;
}

/** The route by itself, on a service whose looks and ticks are the test's. */
async function start({ limits = {}, service: given, parts = {} }: StageOptions = {}) {
  const service = given ?? (await startService());
  const ticker = new Ticker();
  const streams = new EventStreams({ ...defaultLimits, ...limits });
  const numbers = { inFlight: 0, newest: 0 };
  const app = express();
  const options: ConsoleEventsOptions = {
    collector: service.collector,
    alerts: service.alerts,
    plugins: service.plugins,
    inFlight: {
      get size() {
        return numbers.inFlight;
      },
    },
    telemetry: { recent: numbers },
    log: service.log,
    every: ticker.every,
    ...parts,
  };
  app.use(consoleEventRoutes(options, streams));
  const answerError: ErrorRequestHandler = (thrown, _request, response, _next) => {
    const { status, code, message } = asSightlineError(thrown);
    response.status(status).json({ error: { code, message } });
  };
  app.use(answerError);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const get = (query = '', headers: Record<string, string> = {}, method = 'GET') =>
    fetch(`http://127.0.0.1:${port}/api/events${query}`, { headers, method });
  return {
    service,
    ticker,
    numbers,
    port,
    get,
    read: async (query = '', headers: Record<string, string> = {}) => readEvents(await get(query, headers)),
    look: async () => (await service.collector.look()) ?? assert.fail('no snapshot'),
    async [Symbol.asyncDispose]() {
      streams.close();
      server.closeAllConnections();
      server.close();
      await service.stop();
    },
  };
}

/** As it comes over JSON. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value, figuresAsJson)) as unknown;

const names = (events: readonly ReadEvent<unknown>[]) => events.map(({ event }) => event);
const atOnce = ['alerts', 'plugins', 'exchanges'];
const moments = (events: readonly ReadEvent<unknown>[]) =>
  events.filter(({ event }) => event === 'snapshot').map(({ data }) => (data as Snapshot).at);

describe('who opens the stream', () => {
  test('is told at once how things are', async () => {
    await using stage = await start();
    stage.numbers.inFlight = 3;
    stage.numbers.newest = 8;
    const events = await stage.read();
    const told = await events.take(3);
    assert.deepEqual(names(told), atOnce);
    const [alerts, ...others] = told.map(({ data }) => data);
    assert.equal((alerts as AlertsView).alerts.length, stage.service.alerts.all.length);
    assert.deepEqual(others, [{ generation: 1 }, { inFlight: 3, newest: 8 }]);
  });

  test('gets the snapshots that it has missed first, and none where it names no moment', async () => {
    await using stage = await start();
    const taken = [await stage.look(), await stage.look(), await stage.look()];
    const all = await (await stage.read('?since=0')).take(6);
    assert.deepEqual(names(all), ['snapshot', 'snapshot', 'snapshot', ...atOnce]);
    assert.deepEqual(
      all.slice(0, 3).map(({ data }) => data),
      plain(taken),
    );
    const some = await (await stage.read(`?since=${taken[1]?.at}`)).take(4);
    assert.deepEqual(moments(some), [taken[2]?.at]);
    assert.deepEqual(names(await (await stage.read()).take(3)), atOnce);
  });

  test('gets with every event the moment of the newest snapshot that it has', async () => {
    await using stage = await start();
    const fresh = await stage.read();
    assert.deepEqual(
      (await fresh.take(3)).map(({ id }) => id),
      ['0', '0', '0'],
    );
    const first = await stage.look();
    const second = await stage.look();
    const late = await (await stage.read(`?since=${first.at}`)).take(4);
    assert.deepEqual(
      late.map(({ id }) => id),
      Array(4).fill(String(second.at)),
    );
    const now = await (await stage.read()).take(3);
    assert.deepEqual(
      now.map(({ id }) => id),
      Array(3).fill(String(second.at)),
    );
  });

  test('need not have a clock of ours', async () => {
    await using stage = await start();
    const events = await stage.read('?since=2999-01-01');
    assert.deepEqual(names(await events.take(3)), atOnce);
    const snapshot = await stage.look();
    stage.ticker.tick();
    assert.deepEqual(moments(await events.take(1)), [snapshot.at]);
  });

  const wrong: [query: string, headers: Record<string, string>, name: string][] = [
    ['?since=yesterday', {}, 'since'],
    ['?since=1&since=2', {}, 'since'],
    ['', { 'last-event-id': 'abc' }, 'Last-Event-ID'],
  ];
  for (const [query, headers, name] of wrong) {
    test(`is told what was expected of ${query} ${JSON.stringify(headers)}`, async () => {
      await using stage = await start();
      const reply = await stage.get(query, headers);
      const { error } = (await reply.json()) as { error: { message: string } };
      assert.equal(reply.status, 400);
      assert.match(error.message, new RegExp(`^'${name}' must be a time`));
      assert.equal(stage.ticker.running.size, 0);
    });
  }

  test('gets its head alone with HEAD, and nothing is done for it', async () => {
    await using stage = await start({ limits: { eventStreamsMax: 1 } });
    for (let i = 0; i < 3; i += 1) {
      const reply = await stage.get('', {}, 'HEAD');
      assert.deepEqual([reply.status, await reply.text()], [200, '']);
      assert.match(reply.headers.get('content-type') ?? '', /^text\/event-stream\b/);
    }
    assert.equal(stage.ticker.running.size, 0);
  });

  test('is refused where there are too many, and nothing is done for it', async () => {
    await using stage = await start({ limits: { eventStreamsMax: 1 } });
    const events = await stage.read();
    const reply = await stage.get();
    assert.equal(reply.status, 503);
    assert.equal(stage.ticker.running.size, 1);
    await events.leave();
  });
});

describe('a stream that was cut', () => {
  test('goes on after any of its events as if nothing had been', async () => {
    await using stage = await start();
    const taken = [await stage.look(), await stage.look()];
    const before = await stage.read('?since=0');
    const got = await before.take(5);
    taken.push(await stage.look());
    stage.ticker.tick();
    got.push(...(await before.take(2)));
    assert.deepEqual(names(got.slice(5)), ['snapshot', 'alerts']);
    const last = got.at(-1)?.id ?? '';
    await before.leave();
    taken.push(await stage.look(), await stage.look());
    stage.ticker.tick();
    // Its address still says what it said at first.
    const after = await stage.read('?since=0', { 'last-event-id': last });
    got.push(...(await after.take(5)));
    assert.deepEqual(
      moments(got),
      taken.map(({ at }) => at),
    );
    assert.deepEqual(names(got.slice(7)), ['snapshot', 'snapshot', ...atOnce]);
  });

  test('that had no snapshot yet misses none', async () => {
    await using stage = await start();
    const before = await stage.read();
    const last = (await before.take(3)).at(-1)?.id ?? '';
    await before.leave();
    const missed = await stage.look();
    const after = await stage.read('', { 'last-event-id': last });
    assert.deepEqual(moments(await after.take(1)), [missed.at]);
  });
});

test('no snapshot is left out or repeated, however readers, looks and ticks come together', async () => {
  await using stage = await start();
  for (let i = 0; i < 100; i += 1) await stage.look();
  const readers: Promise<number[]>[] = [];
  for (let i = 0; i < 60; i += 1) {
    if (i % 3 === 0) {
      const reader = stage.read('?since=0').then(async (events) => {
        const got: number[] = [];
        while (got.length < 160) got.push(...moments(await events.take(1)));
        return got;
      });
      readers.push(reader);
    }
    await stage.look();
    if (i % 2 === 0) stage.ticker.tick();
  }
  // Those whose request comes late find everything when it comes.
  stage.ticker.tick();
  const all = stage.service.collector.snapshots.map(({ at }) => at);
  assert.equal(all.length, 160);
  for (const got of await Promise.all(readers)) assert.deepEqual(got, all);
});

describe('a tick', () => {
  test('tells of a thousand exchanges at once, and of none where none began or ended', async () => {
    await using stage = await start();
    const events = await stage.read();
    await events.take(3);
    for (let i = 0; i < 1_000; i += 1) {
      stage.numbers.newest += 1;
      stage.numbers.inFlight = i % 7;
    }
    stage.ticker.tick();
    stage.ticker.tick(10);
    stage.numbers.inFlight += 1;
    stage.ticker.tick();
    const got = await events.take(2);
    assert.deepEqual(
      got.map(({ event, data }) => [event, data]),
      [
        ['exchanges', { inFlight: 5, newest: 1_000 }],
        ['exchanges', { inFlight: 6, newest: 1_000 }],
      ],
    );
  });

  test('brings a snapshot with the alerts as it has left them', async () => {
    await using stage = await start();
    const events = await stage.read();
    await events.take(3);
    const snapshot = await stage.look();
    stage.ticker.tick(5);
    stage.numbers.newest = 1;
    stage.ticker.tick();
    const told = await events.take(3);
    assert.deepEqual(names(told), ['snapshot', 'alerts', 'exchanges']);
    const [first, second] = told.map(({ data }) => data);
    assert.deepEqual(first, plain(snapshot));
    const { evaluatedAt } = stage.service.alerts;
    assert.equal((second as AlertsView).evaluatedAt, new Date(evaluatedAt ?? 0).toISOString());
  });

  test('is the same for all readers, and there is none without a reader', async () => {
    await using stage = await start();
    assert.equal(stage.ticker.running.size, 0);
    const [one, two] = [await stage.read(), await stage.read()];
    await one.take(3);
    await two.take(3);
    assert.equal(stage.ticker.running.size, 1);
    stage.numbers.newest = 1;
    stage.ticker.tick();
    for (const reader of [one, two]) assert.deepEqual(names(await reader.take(1)), ['exchanges']);
    await one.leave();
    await two.leave();
    await stage.ticker.untilRunning(0);
    const again = await stage.read();
    assert.equal(stage.ticker.running.size, 1);
    assert.deepEqual(names(await again.take(3)), atOnce);
  });
});

describe('a reader that takes nothing', () => {
  /** Asks, and reads no further. */
  function ask(port: number, query = '') {
    const socket = connect(port, '127.0.0.1').pause();
    socket.write(`GET /api/events${query} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    return { socket, [Symbol.dispose]: () => void socket.destroy() };
  }

  const bigSnapshot = (at: number) => ({ at, text: '~'.repeat(50_000) }) as unknown as Snapshot;

  test('gets every snapshot and only the newest of all else when it reads again', async () => {
    // Together more than the kernel takes for a reader that does not.
    const snapshots = Array.from({ length: 400 }, (_, i) => bigSnapshot(i + 1));
    const collector = {
      snapshots,
      since: (at: number) => snapshots.filter((snapshot) => snapshot.at > at),
    };
    await using stage = await start({ parts: { collector } });
    using reader = ask(stage.port, '?since=0');
    await stage.ticker.untilRunning(1);
    for (let i = 1; i <= 50; i += 1) {
      stage.numbers.newest = i;
      snapshots.push(bigSnapshot(snapshots.length + 1));
      stage.ticker.tick();
    }
    let text = '';
    reader.socket
      .setEncoding('utf8')
      .on('data', (chunk: string) => {
        text += chunk.replaceAll('~', '');
      })
      .resume();
    while (!text.includes(`id: ${snapshots.length}\nevent: exchanges`)) await once(reader.socket, 'data');
    // It is busy until the last of it is taken.
    while (!text.includes('"newest":50')) {
      stage.ticker.tick();
      await turn();
    }
    assert.deepEqual(
      [...text.matchAll(/id: (\d+)\nevent: snapshot\n/g)].map(([, id]) => Number(id)),
      snapshots.map(({ at }) => at),
    );
    const told = [...text.matchAll(/"newest":(\d+)/g)].map(([, newest]) => Number(newest));
    assert.ok(told.length <= 2, `told of exchanges ${told.length} times`);
  });

  test('is cut off in the end, and nothing is done for it any more', async () => {
    await using service = await startService();
    const many = Array.from({ length: 400 }, (_, i) => bigSnapshot(i + 1));
    const collector = { snapshots: many, since: () => many };
    await using stage = await start({ service, limits: { eventStreamKeepAliveMs: 5 }, parts: { collector } });
    using reader = ask(stage.port, '?since=0');
    await once(reader.socket, 'connect');
    await stage.ticker.untilRunning(1);
    stage.ticker.tick();
    await stage.ticker.untilRunning(0);
  });
});

describe('what changes about plugins is told', () => {
  const lookAtPlugins = 4;

  async function startPlugins(limits: object = {}) {
    const folder = await PluginFolder.create();
    const service = await startWithFolder(folder, { limits });
    const stage = await start({ service });
    const events = await stage.read();
    await events.take(3);
    return {
      ...stage,
      folder,
      /** The next event, after as much time as it takes to find out. */
      async next() {
        stage.ticker.tick(lookAtPlugins);
        const [event] = await events.take(1);
        return [event?.event, event?.data];
      },
      async [Symbol.asyncDispose]() {
        await stage[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  }

  test('when one is loaded, rejected, repaired and unloaded', async () => {
    await using stage = await startPlugins();
    await stage.folder.savePlugin('one', '');
    await stage.service.plugins.scan();
    assert.deepEqual(await stage.next(), ['plugins', { generation: 2 }]);
    await stage.folder.savePlugin('one', "throw new Error('broken');", '1.1.0');
    await stage.service.plugins.scan();
    assert.deepEqual(await stage.next(), ['plugins', { generation: 2 }]);
    await stage.folder.savePlugin('one', '', '1.2.0');
    await stage.service.plugins.scan();
    assert.deepEqual(await stage.next(), ['plugins', { generation: 3 }]);
    await stage.service.plugins.unload('one');
    assert.deepEqual(await stage.next(), ['plugins', { generation: 4 }]);
  });

  test('and not while nothing does', async () => {
    await using stage = await startPlugins();
    stage.ticker.tick(3 * lookAtPlugins);
    stage.numbers.newest = 1;
    assert.equal((await stage.next())[0], 'exchanges');
  });

  test('when an old generation has drained', async () => {
    await using stage = await startPlugins();
    await stage.folder.savePlugin('one', '');
    await stage.service.plugins.scan();
    assert.deepEqual(await stage.next(), ['plugins', { generation: 2 }]);
    const { manager } = stage.service.plugins;
    const { lease } = manager.services;
    lease?.acquire();
    await stage.service.plugins.unload('one');
    assert.deepEqual(await stage.next(), ['plugins', { generation: 3 }]);
    assert.equal(manager.draining.length, 1);
    lease?.release();
    while (manager.draining.length > 0) await turn();
    assert.deepEqual(await stage.next(), ['plugins', { generation: 3 }]);
  });

  test('when a breaker opens', async () => {
    await using stage = await startPlugins({ breakerFailuresMax: 1 });
    await stage.folder.savePlugin(
      'one',
      "registerHook('exchange.started', () => { throw new Error('no'); });",
    );
    await stage.service.plugins.scan();
    assert.deepEqual(await stage.next(), ['plugins', { generation: 2 }]);
    await readToEnd(await sendChat(stage.service, 'one', 'sim-tokens-2').head);
    assert.deepEqual(await stage.next(), ['plugins', { generation: 2 }]);
  });
});

test('what cannot be told is logged once, and the rest goes on when it can', async () => {
  const logged: string[] = [];
  const log = { error: (_fields: object, text: string) => logged.push(text) };
  let isBroken = false;
  const manager = {
    generation: { number: 7 },
    draining: [],
    leaks: [],
    get records() {
      if (isBroken) throw new Error('no records');
      return [];
    },
  };
  const plugins = { config: { folder: '', watch: false }, manager };
  const parts = { plugins, log } as unknown as Partial<ConsoleEventsOptions>;
  await using stage = await start({ parts });
  const events = await stage.read();
  await events.take(3);
  isBroken = true;
  stage.ticker.tick(16);
  assert.deepEqual(logged, ['the console could not be told']);
  isBroken = false;
  stage.numbers.newest = 1;
  stage.ticker.tick(4);
  assert.deepEqual(names(await events.take(1)), ['exchanges']);
});

test('the service itself tells of its exchanges, alerts and snapshots, until it stops', async () => {
  await using service = await startService({ config: { limits: { snapshotIntervalMs: 20 } } });
  const events = readEvents(await fetch(`${service.adminUrl}/api/events?since=0`));
  const seen = new Set<string | undefined>();
  let newest = 0;
  await readToEnd(await sendChat(service, 'one', 'sim-tokens-2').head);
  while (newest < 1 || !seen.has('snapshot') || !seen.has('alerts')) {
    const [event] = await events.take(1);
    seen.add(event?.event);
    if (event?.event === 'exchanges') ({ newest } = event.data as ExchangesTick);
  }
  await service.stop();
  await events.rest();
});
