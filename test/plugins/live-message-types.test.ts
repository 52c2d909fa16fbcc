import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { WebSocketServer } from 'ws';
import { z } from 'zod';
import { defineMessageType } from '../../src/messages/message-type.ts';
import type { Service } from '../../src/service.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { openConnection, type TestConnection } from '../../src/testing-connection.ts';
import type { JsonObject } from '../../src/wire/json.ts';
import { PluginFolder, startWithFolder } from './folder.ts';

const translate = await readFile(new URL('../../plugins/translate.plugin.ts', import.meta.url), 'utf8');

/** A plugin whose handler of `type` has this body. */
const plugin = (name: string, types: Readonly<Record<string, string>>, version = '1.0.0') => `
import { defineMessageType, definePlugin, SightlineError } from 'sightline';
import { z } from 'zod';
export default definePlugin({
  name: '${name}',
  version: '${version}',
  initialize(context) {
    ${Object.entries(types)
      .map(([type, body]) => typeSource(type, body))
      .join('\n')}
  },
});`;

const typeSource = (type: string, body: string) => `
    context.registerMessageType(defineMessageType({
      type: '${type}',
      schema: z.looseObject({ to: z.string('expected a name').optional() }),
      async handle(message, { send, kind }) { ${body} },
    }));`;

const connect = (service: Service, path: string) => openConnection(new URL(path, service.dataUrl));

async function quick(): Promise<Simulator & AsyncDisposable> {
  const simulator = await startSimulator({
    timeToFirstTokenMs: 0,
    tokensPerSecond: Number.POSITIVE_INFINITY,
  });
  return Object.assign(simulator, { [Symbol.asyncDispose]: () => simulator.close() });
}

async function ask(client: TestConnection, message: JsonObject): Promise<JsonObject> {
  client.send(message);
  return client.next();
}

/** An upstream that sends each message back. */
async function startEcho() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

function errorOf({ type, id, error }: JsonObject) {
  assert.equal(type, 'error');
  const { code, field, reason } = error as JsonObject;
  return { id, code, field, reason };
}

describe('on a connection of the stream protocol that stays open', () => {
  it('a type comes, changes and goes with its plugin', async () => {
    await using simulator = await quick();
    await using folder = await PluginFolder.create();
    const config = { translate: { model: 'sim-tokens-2' } };
    const service = await startWithFolder(folder, {
      upstreams: { default: simulator.url } as never,
      plugins: { config },
    });
    try {
      await using client = await connect(service, '/stream');
      const message = { type: 'translate', id: 'a', text: 'Good morning!', to: 'de' };
      const unknown = { id: 'a', code: 'unknown_type', field: 'type' };
      const { reason: _, ...before } = errorOf(await ask(client, message));
      assert.deepEqual(before, unknown);

      await folder.save('translate', translate);
      await service.plugins.scan();
      client.send(message);
      const events: JsonObject[] = [];
      do events.push(await client.next());
      while (events.at(-1)?.type === 'chunk');
      const last = events.at(-1);
      assert.deepEqual(
        [last?.type, last?.id, last?.status, last?.outcome],
        ['response', 'a', 200, 'completed'],
      );
      assert.ok(events.length > 2);
      const whole = await ask(client, { ...message, id: 'b', stream: false });
      assert.deepEqual([whole.type, whole.id, whole.model], ['response', 'b', 'sim-tokens-2']);

      // What is wrong is told, and the session goes on.
      assert.deepEqual(errorOf(await ask(client, { ...message, to: 'tlh' })), {
        id: 'a',
        code: 'message_invalid',
        field: 'to',
        reason: 'expected one of de, en, es, fr',
      });

      const types = {
        translate: `send({ type: 'translated', id: message.id, text: 'Guten Morgen!' }); return null;`,
      };
      await folder.save('translate', plugin('translate', types, '1.1.0'));
      await service.plugins.scan();
      const other = await ask(client, message);
      // The configuration is for the version before: this one asks for none.
      assert.deepEqual(other, { type: 'translated', id: 'a', text: 'Guten Morgen!' });

      await service.plugins.unload('translate');
      const { reason: __, ...after } = errorOf(await ask(client, message));
      assert.deepEqual(after, unknown);
      assert.deepEqual(await ask(client, { type: 'ping', id: 'still here' }), {
        type: 'pong',
        id: 'still here',
      });
    } finally {
      await service.stop();
    }
  });

  it('a type of the embedding program is there as well', async () => {
    await using folder = await PluginFolder.create();
    const greet = defineMessageType({
      type: 'greet',
      schema: z.object({ id: z.number() }),
      handle: ({ id }) => ({ type: 'ping', id }),
    });
    const service = await startWithFolder(folder, {}, { messageTypes: [greet] });
    try {
      await using client = await connect(service, '/stream');
      assert.deepEqual(await ask(client, { type: 'greet', id: 5 }), { type: 'pong', id: 5 });
    } finally {
      await service.stop();
    }
  });

  it('a handler that throws or refuses ends its message, not the session', async () => {
    await using simulator = await quick();
    await using folder = await PluginFolder.create();
    const types = {
      broken: `throw new Error('no such table');`,
      refuse: `throw new SightlineError('blocked', { message: 'Not after ten.' });`,
      odd: `return { type: 'query', id: message.id, path: 'nowhere' };`,
    };
    await folder.save('types', plugin('types', types));
    const service = await startWithFolder(folder, { upstreams: { default: simulator.url } as never });
    try {
      await using client = await connect(service, '/stream');
      const code = async (type: string) => errorOf(await ask(client, { type, id: 1 })).code;
      assert.equal(await code('broken'), 'message_failed');
      assert.equal(await code('refuse'), 'blocked');
      assert.equal(await code('odd'), 'message_invalid');
      assert.deepEqual(await ask(client, { type: 'ping' }), { type: 'pong' });
    } finally {
      await service.stop();
    }
  });
});

describe('on a session with an upstream', () => {
  it('a type answers, changes, drops or passes on its messages, while its plugin is there', async () => {
    await using upstream = await startEcho();
    await using folder = await PluginFolder.create();
    const service = await startWithFolder(folder, {
      upstreams: { default: upstream.url } as never,
    });
    try {
      await using client = await connect(service, '/echo');
      const echoes = async (message: JsonObject) => assert.deepEqual(await ask(client, message), message);
      for (const type of ['answer', 'change', 'pass', 'drop']) await echoes({ type });

      const types = {
        answer: `send({ type: 'answered', kind }); return null;`,
        change: `return { type: 'changed', to: message.to };`,
        pass: '',
        drop: 'return null;',
      };
      await folder.save('types', plugin('types', types));
      await service.plugins.scan();
      assert.deepEqual(await ask(client, { type: 'answer' }), { type: 'answered', kind: 'proxied' });
      assert.deepEqual(await ask(client, { type: 'change', to: 'Ada' }), { type: 'changed', to: 'Ada' });
      await echoes({ type: 'pass' });
      client.send({ type: 'drop' });
      await echoes({ type: 'unknown' });
      const refused = await ask(client, { type: 'change', to: 7 });
      assert.deepEqual([refused.type, (refused.error as JsonObject).code], ['error', 'message_invalid']);
      await echoes({ type: 'pass', to: 'Ada' });

      await service.plugins.unload('types');
      for (const type of ['answer', 'change', 'pass', 'drop']) await echoes({ type });
    } finally {
      await service.stop();
    }
  });
});

describe('nothing of a version that is gone is held in memory', () => {
  for (const path of ['/stream', '/echo']) {
    it(`by a session at ${path} that goes on`, async () => {
      await using upstream = await startEcho();
      await using folder = await PluginFolder.create();
      await folder.save('types', plugin('types', { greet: `send({ type: 'greeted' }); return null;` }));
      const service = await startWithFolder(folder, { upstreams: { default: upstream.url } as never });
      const { manager } = service.plugins;
      try {
        await using client = await connect(service, path);
        assert.deepEqual(await ask(client, { type: 'greet' }), { type: 'greeted' });
        await service.plugins.unload('types');
        while (manager.draining.length > 0) await setImmediate();
        const collect = garbageCollector();
        while (manager.versionsToCollect > 0) {
          collect();
          // Collections are told some time later.
          await setTimeout(20);
        }
        assert.deepEqual(manager.leaks, []);
        client.send({ type: 'ping' });
        assert.match(String((await client.next()).type), /^p[io]ng$/);
      } finally {
        await service.stop();
      }
    });
  }
});
