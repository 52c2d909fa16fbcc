import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startWithPlugins, type TestSightline } from 'sightline/testing';
import { SessionContext } from '../../messages/session-context.ts';

const plugin = new URL('../../../plugins/translate.plugin.ts', import.meta.url);
const model = 'sim-tokens-2';
const translate = { type: 'translate', id: 7, text: 'Good morning!', to: 'de' };

const start = (config: object = { model }) =>
  startWithPlugins({ plugins: [plugin], config: { translate: config } });

/** What becomes of a message, whoever its session is with. */
function handle({ service }: TestSightline, message: object, context = new SessionContext()) {
  return service.plugins.services.messages.handle('translate', { ...message }, context);
}

async function refusal(sightline: TestSightline, message: object) {
  const result = await handle(sightline, { ...translate, ...message });
  assert.equal(result.kind, 'refused');
  return [result.error.code, result.field, result.reason];
}

describe('the translate plugin', () => {
  it('registers nothing until it is configured', async () => {
    await using sightline = await start({});
    assert.equal(sightline.service.plugins.services.messages.size, 0);
  });

  it('turns a message into a query', async () => {
    await using sightline = await start({ model, path: '/openai/v1/chat/completions' });
    const result = await handle(sightline, { ...translate, stream: false });
    assert.deepEqual(result, {
      kind: 'changed',
      message: {
        type: 'query',
        id: 7,
        path: '/openai/v1/chat/completions',
        body: {
          model,
          stream: false,
          messages: [
            {
              role: 'system',
              content: 'Translate what the user writes into German. Answer with the translation alone.',
            },
            { role: 'user', content: 'Good morning!' },
          ],
        },
      },
    });
  });

  it('is answered at /stream as a query is', async () => {
    await using sightline = await start();
    await using client = await sightline.connect('/stream');
    client.send(translate);
    const said: unknown[] = [];
    let message = await client.next();
    for (; message.type === 'chunk'; message = await client.next()) said.push(message.data);
    assert.deepEqual([message.type, message.id, message.outcome], ['response', 7, 'completed']);
    assert.equal(said.at(-1), '[DONE]');
    client.send({ ...translate, to: 'tlh' });
    const { type, id, error } = await client.next();
    assert.deepEqual([type, id], ['error', 7]);
    assert.match(JSON.stringify(error), /"field":"to","reason":"expected one of de, en, es, fr"/);
    await client.close();
    await assert.rejects(client.next(), /The connection is closed, and every message was taken/);
  });

  it('refuses what cannot be translated, by field and reason', async () => {
    await using sightline = await start({ model, textCharsMax: 20 });
    const refused = {
      to: [{ to: 'tlh' }, 'expected one of de, en, es, fr'],
      text: [{ text: 'x'.repeat(21) }, 'expected 20 characters at most'],
      id: [{ id: null }, 'expected an id'],
      stream: [{ stream: 'yes' }, 'expected true or false'],
    } as const;
    for (const [field, [message, reason]] of Object.entries(refused)) {
      assert.deepEqual(await refusal(sightline, message), ['message_invalid', field, reason]);
    }
    assert.deepEqual(await refusal(sightline, { text: ' \n' }), [
      'message_invalid',
      'text',
      'there is nothing in it',
    ]);
    const [, , reason] = await refusal(sightline, { txet: 'Hello!' });
    assert.match(reason ?? '', /txet/);
  });

  it('translates into the languages that are configured', async () => {
    await using sightline = await start({ model, languages: { 'de-AT': 'Austrian German' } });
    assert.deepEqual(await refusal(sightline, {}), ['message_invalid', 'to', 'expected one of de-AT']);
    const result = await handle(sightline, { ...translate, to: 'de-AT' });
    assert.match(JSON.stringify(result), /into Austrian German/);
  });

  it('leaves sessions with upstreams alone', async () => {
    await using sightline = await start();
    assert.deepEqual(await handle(sightline, translate, new SessionContext('proxied')), { kind: 'passed' });
  });

  it('is shown to operators', async () => {
    await using sightline = await start();
    const response = await fetch(`${sightline.adminUrl}/api/plugins`);
    const { plugins } = (await response.json()) as { plugins: { messageTypes: unknown }[] };
    assert.deepEqual(plugins[0]?.messageTypes, [{ type: 'translate', breaker: 'closed' }]);
    await handle(sightline, translate);
    await handle(sightline, { ...translate, to: 'tlh' });
    const labels = { sightline_plugin_kind: 'message', sightline_plugin_point: 'translate' };
    assert.equal(await sightline.metric('sightline_plugin_duration_seconds_count', labels), 2);
    const invalid = { ...labels, error_type: 'message_invalid' };
    assert.equal(await sightline.metric('sightline_plugin_duration_seconds_count', invalid), 1);
  });
});
