import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, describe, test } from 'node:test';
import { figuresAsJson } from '../../src/admin/figures-as-json.ts';
import type { Snapshot } from '../../src/snapshots/snapshot.ts';
import { startService } from '../support/service.ts';
import { readEvents } from './read-events.ts';

const route = '/api/metrics/snapshots';

async function start(limits: object = {}) {
  const service = await startService({ config: { limits } });
  const look = async () => (await service.collector.look()) ?? assert.fail('no snapshot');
  return {
    service,
    look,
    get: (query = '') => fetch(service.adminUrl + route + query),
    stream: (query = '', headers: Record<string, string> = {}) =>
      fetch(`${service.adminUrl}${route}/stream${query}`, { headers }),
    [Symbol.asyncDispose]: () => service.stop(),
  };
}

/** As it comes over JSON. */
const plain = (snapshots: readonly Snapshot[]) =>
  JSON.parse(JSON.stringify(snapshots, figuresAsJson)) as unknown;

describe('the snapshots of the admin plane', async () => {
  const stage = await start();
  after(() => stage[Symbol.asyncDispose]());
  const taken = [await stage.look(), await stage.look(), await stage.look()];

  async function got(query?: string): Promise<unknown> {
    const reply = await stage.get(query);
    const body = (await reply.json()) as { snapshots: unknown };
    assert.deepEqual([reply.status, Object.keys(body)], [200, ['snapshots']]);
    return body.snapshots;
  }

  test('are all that are kept, oldest first', async () => {
    assert.deepEqual(await got(), plain(taken));
  });

  test('are those after a moment, as milliseconds or ISO 8601', async () => {
    const [first, second] = taken.map(({ at }) => at);
    const iso = (at = 0) => new Date(at).toISOString();
    assert.deepEqual(await got(`?since=${first}`), plain(taken.slice(1)));
    assert.deepEqual(await got(`?since=${iso(second)}`), plain(taken.slice(2)));
    assert.deepEqual(await got(`?since=${iso(second).replace('Z', '%2B00:00')}`), plain(taken.slice(2)));
    assert.deepEqual(await got('?since=0'), plain(taken));
    assert.deepEqual(await got('?since=2020-01-01'), plain(taken));
    assert.deepEqual(await got('?since=2999-01-01T00:00:00Z'), []);
  });

  test('refuse a parameter that they do not know', async () => {
    const reply = await stage.get('?sinse=0');
    assert.equal(reply.status, 400);
    assert.match(await reply.text(), /'sinse' is no parameter here: since\./);
  });

  const wrong = [
    '',
    'yesterday',
    '-1',
    '1.5',
    '1e3',
    'NaN',
    '9999999999999999',
    '2026-13-01',
    '2026-11-23T08:00',
  ];
  for (const since of wrong) {
    for (const path of ['', '/stream']) {
      test(`say what was expected where 'since' is '${since}' ${path}`, async () => {
        const reply = await fetch(`${stage.service.adminUrl}${route}${path}?since=${since}`);
        const { error } = (await reply.json()) as { error: { code: string; message: string } };
        assert.deepEqual([reply.status, error.code], [400, 'malformed_request']);
        assert.match(
          error.message,
          /'since' must be a time: milliseconds since the epoch, or ISO 8601 such as /,
        );
      });
    }
  }

  test('say what was expected where it is there twice', async () => {
    assert.equal((await stage.get('?since=1&since=2')).status, 400);
  });

  test('say what was expected where the last id is none of ours', async () => {
    const reply = await stage.stream('', { 'last-event-id': 'abc' });
    const { error } = (await reply.json()) as { error: { message: string } };
    assert.equal(reply.status, 400);
    assert.match(error.message, /^'Last-Event-ID' must be a time/);
  });
});

describe('the stream of snapshots', () => {
  test('has a head alone for HEAD', async () => {
    await using service = await startService({ config: { limits: { eventStreamsMax: 1 } } });
    for (let i = 0; i < 3; i += 1) {
      const reply = await fetch(`${service.adminUrl}${route}/stream`, { method: 'HEAD' });
      assert.deepEqual([reply.status, await reply.text()], [200, '']);
    }
  });

  test('has the new ones as they come, each with its moment as id', async () => {
    await using stage = await start();
    await stage.look();
    const events = readEvents(await stage.stream());
    const taken = [await stage.look(), await stage.look()];
    const got = await events.take(2);
    assert.deepEqual(
      got.map(({ data }) => data),
      plain(taken),
    );
    assert.deepEqual(
      got.map(({ id, event }) => [id, event]),
      taken.map(({ at }) => [String(at), undefined]),
    );
  });

  test('goes on after the last that a reader had, whatever its address says', async () => {
    await using stage = await start();
    const taken = [await stage.look(), await stage.look(), await stage.look()];
    const after = async (query: string, headers: Record<string, string> = {}) => {
      const events = readEvents(await stage.stream(query, headers));
      const next = await stage.look();
      taken.push(next);
      const all = await events.take(taken.filter(({ at }) => at > since).length);
      await events.leave();
      return all.map(({ id }) => Number(id));
    };
    let since = taken[0]?.at ?? 0;
    const expected = () => taken.map(({ at }) => at).filter((at) => at > since);
    assert.deepEqual(await after(`?since=${since}`), expected());
    since = taken[1]?.at ?? 0;
    assert.deepEqual(await after('?since=0', { 'last-event-id': String(since) }), expected());
    since = 0;
    assert.deepEqual(await after('?since=0', { 'last-event-id': '' }), expected());
  });

  test('leaves none out and repeats none, however readers and looks come together', async () => {
    await using stage = await start();
    for (let i = 0; i < 200; i += 1) await stage.look();
    const readers: Promise<number[]>[] = [];
    for (let i = 0; i < 40; i += 1) {
      if (i % 2 === 0) {
        const reply = stage.stream('?since=0');
        readers.push(
          reply.then(async (one) => (await readEvents<Snapshot>(one).take(240)).map(({ data }) => data.at)),
        );
      }
      await stage.look();
    }
    const all = stage.service.collector.snapshots.map(({ at }) => at);
    for (const ids of await Promise.all(readers)) assert.deepEqual(ids, all);
  });

  test('ends at the stop of the service, properly', async () => {
    await using stage = await start();
    const events = readEvents(await stage.stream('?since=0'));
    const last = await stage.look();
    await events.take(1);
    await stage.service.stop();
    assert.deepEqual(await events.rest(), []);
    assert.equal(stage.service.collector.snapshots.at(-1), last);
  });

  test('takes so many readers and no more', async () => {
    await using stage = await start({ eventStreamsMax: 2 });
    const readers = [readEvents(await stage.stream()), readEvents(await stage.stream())];
    const reply = await stage.stream();
    const { error } = (await reply.json()) as { error: { code: string } };
    assert.deepEqual([reply.status, error.code], [503, 'too_many_streams']);
    for (const reader of readers) await reader.leave();
  });

  test('keeps nothing for a reader that catches up slowly, and does not lose what comes meanwhile', async () => {
    await using stage = await start({ eventStreamBytesMax: 300_000 });
    for (let i = 0; i < 900; i += 1) await stage.look();
    const { hostname, port } = new URL(stage.service.adminUrl);
    const socket = connect(Number(port), hostname).pause();
    socket.write(`GET ${route}/stream?since=0 HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    await once(socket, 'connect');
    for (let i = 0; i < 50; i += 1) await stage.look();
    let text = '';
    const last = stage.service.collector.snapshots.at(-1)?.at;
    socket
      .setEncoding('utf8')
      .on('data', (chunk) => {
        text += chunk;
      })
      .resume();
    while (!text.includes(`id: ${last}\n`)) await once(socket, 'data');
    socket.destroy();
    assert.deepEqual(
      [...text.matchAll(/id: (\d+)\n/g)].map(([, id]) => Number(id)),
      stage.service.collector.snapshots.map(({ at }) => at),
    );
  });
});
