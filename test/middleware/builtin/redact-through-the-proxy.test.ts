import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import type { Dialect } from '../../../src/dialects/dialect.ts';
import { dialects } from '../../../src/dialects/index.ts';
import { type JsonObject, parseJsonObject } from '../../../src/wire/json.ts';
import { parseEvents } from '../../simulator/client.ts';
import { startProxy } from '../proxy.ts';
import { type Pattern, redacted } from './redact/secrets.ts';

/** What the simulator says is made of sentences: every reply has words that begin with a capital. */
const names: Pattern = { name: 'name', pattern: String.raw`\b[A-Z][a-z]+\b` };
/** Prompts stay as they are: another prompt would have another answer. */
const builtin = [{ redact: { patterns: [names], window: 32, prompts: false } }];

const question = [{ role: 'user', content: 'Call the weather tool for Zürich, please.' }];
const parameters = {
  type: 'object',
  properties: { city: { type: 'string', enum: ['Lisbon', 'Reykjavik'] } },
};
const queries: Readonly<Record<string, JsonObject>> = {
  'openai.chat': { model: 'gpt-4o', n: 2, messages: [{ role: 'user', content: 'Tell me more.' }] },
  'openai.completions': { model: 'gpt-3.5-turbo-instruct', prompt: 'Tell me more.' },
  'openai.responses': { model: 'gpt-4o-reasoning', input: 'Tell me more.', reasoning: { summary: 'auto' } },
  'anthropic.messages': {
    model: 'claude-sonnet-4-5',
    max_tokens: 500,
    thinking: { type: 'enabled' },
    messages: [{ role: 'user', content: 'Tell me more.' }],
  },
};
const toolQueries: Readonly<Record<string, JsonObject>> = {
  'openai.chat': {
    model: 'gpt-4o',
    messages: question,
    tools: ['get_weather', 'weather_map'].map((name) => ({
      type: 'function',
      function: { name, parameters },
    })),
  },
  'anthropic.messages': {
    model: 'claude-sonnet-4-5',
    max_tokens: 500,
    messages: question,
    tools: [{ name: 'get_weather', input_schema: parameters }],
  },
  'openai.responses': {
    model: 'gpt-4o',
    input: 'Call the weather tool.',
    tools: [{ type: 'function', name: 'get_weather', parameters }],
  },
};

/** The texts of a streamed reply, those that it repeats as a whole included. */
function streamTexts(dialect: Dialect, stream: string): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const { data } of parseEvents(stream)) {
    const payload = parseJsonObject(data);
    if (!payload) continue;
    dialect.mapEventText(payload, (text, slot) => {
      texts[slot] = slot.startsWith('whole:') ? text : (texts[slot] ?? '') + text;
      return text;
    });
  }
  return texts;
}

function replyTexts(dialect: Dialect, body: string): Record<string, string> {
  const texts: Record<string, string> = {};
  dialect.mapReplyText(JSON.parse(body), (text, slot) => {
    texts[slot] = text;
    return text;
  });
  return texts;
}

describe('redact through the proxy', () => {
  it('makes of every text of every dialect what the pattern makes of it, streamed or whole', async () => {
    await using plain = await startProxy({});
    await using clean = await startProxy({ builtin });
    let replaced = 0;
    for (const [name, query] of [...Object.entries(queries), ...Object.entries(toolQueries)]) {
      const dialect = dialects.find((one) => one.name === name);
      assert.ok(dialect);
      for (const stream of [true, false]) {
        const before = await plain.ask({ ...query, stream }, { path: dialect.path });
        const after = await clean.ask({ ...query, stream }, { path: dialect.path });
        assert.ok(before.isClean && after.isClean);
        assert.equal(after.status, 200);
        const textsOf = stream ? streamTexts : replyTexts;
        const expected = textsOf(dialect, before.bytes.toString());
        for (const [slot, text] of Object.entries(expected)) expected[slot] = redacted([names], text);
        assert.deepEqual(textsOf(dialect, after.bytes.toString()), expected, `${name}, stream: ${stream}`);
        replaced += Object.values(expected).filter((text) => text.includes('[name]')).length;
        if (stream)
          assert.equal(
            parseEvents(after.bytes.toString()).length,
            parseEvents(before.bytes.toString()).length,
          );
      }
    }
    assert.ok(replaced > 20, `${replaced} texts had something to replace`);
  });

  it('understands compressed replies', async () => {
    await using plain = await startProxy({});
    await using clean = await startProxy({ builtin });
    const query = queries['openai.chat'] ?? {};
    const dialect = dialects[0];
    assert.ok(dialect);
    for (const stream of [true, false]) {
      const expected = (await clean.ask({ ...query, stream })).bytes;
      assert.match(expected.toString(), /\[name\]/);
      for (const encoding of ['gzip', 'br', 'deflate', 'zstd']) {
        const headers = { 'accept-encoding': encoding, 'x-simulator-encoding': encoding };
        const encoded = await plain.ask({ ...query, stream }, { headers });
        assert.equal(encoded.headers['content-encoding'], encoding);
        const answer = await clean.ask({ ...query, stream }, { headers });
        assert.equal(answer.headers['content-encoding'], undefined);
        assert.ok(answer.isClean && answer.bytes.equals(expected), `${encoding}, stream: ${stream}`);
      }
    }
  });

  it('sends on byte for byte in which nothing is replaced', async () => {
    await using plain = await startProxy({});
    await using clean = await startProxy({ builtin: [{ redact: { patterns: ['email', 'api_key'] } }] });
    for (const [name, query] of Object.entries(queries)) {
      const path = dialects.find((one) => one.name === name)?.path ?? '';
      for (const stream of [true, false]) {
        const before = await plain.ask({ ...query, stream }, { path });
        const after = await clean.ask({ ...query, stream }, { path });
        assert.ok(after.bytes.equals(before.bytes), `${name}, stream: ${stream}`);
      }
    }
  });

  it('lets no secret of a prompt reach the upstream', async () => {
    await using proxy = await startProxy({ builtin: [{ redact: { patterns: [names] } }] });
    const payload = (content: string) => ({ model: 'gpt-4o', messages: [{ role: 'user', content }] });
    const { id } = await proxy.ask(payload('Hello, I am Ada.'));
    const [entry] = await proxy.simulator.journal.settled();
    const expected = JSON.stringify(payload('[name], I am [name].'));
    assert.equal(entry?.requestSha256, createHash('sha256').update(expected).digest('hex'));
    assert.equal((await proxy.endings.of(id)).outcome, 'completed');
  });

  it('refuses a body that it cannot read, and says why', async () => {
    await using proxy = await startProxy({ builtin: [{ redact: { patterns: [names] } }] });
    const send = (body: string | Buffer, headers: Record<string, string> = {}) =>
      fetch(`${proxy.service.dataUrl}/v1/chat/completions`, { method: 'POST', body, headers });
    const broken = await send('{"model": "gpt-4o", "messages": [}');
    assert.equal(broken.status, 400);
    assert.match(await broken.text(), /breaks off at character 33/);
    const encoded = await send(brotliCompressSync('{}'), { 'content-encoding': 'br' });
    assert.equal(encoded.status, 415);
    assert.match(await encoded.text(), /content-encoding 'br' cannot be read/);
    assert.deepEqual(proxy.simulator.journal.entries(), []);
  });
});
