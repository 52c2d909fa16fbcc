import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SightlineError } from '../../src/errors.ts';
import { TextReplacer, type TextRule } from '../../src/middleware/text-replacer.ts';
import { chatReply, chatStream } from '../plugins/examples/examples.ts';
import { parseEvents } from '../simulator/client.ts';
import { startService } from '../support/service.ts';
import { startBackend } from './proxy.ts';

/** What the client gets when the model says this, in pieces where it is a list. */
async function through(rules: readonly TextRule[], says: string | readonly string[]): Promise<string> {
  const replacer = new TextReplacer(rules, { window: 16 });
  const stream = typeof says !== 'string';
  await using backend = await startBackend(
    stream
      ? { type: 'text/event-stream', body: chatStream(says) }
      : { type: 'application/json', body: chatReply(says) },
  );
  await using service = await startService({
    config: { upstreams: { default: backend.url } },
    middleware: [
      {
        name: 'replacer',
        onChunk: (chunk, exchange) => replacer.chunk(chunk, exchange),
        afterResponse: (reply, exchange) => replacer.reply(reply, exchange),
      },
    ],
  });
  const reply = await fetch(`${service.dataUrl}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'gpt-4o', stream, messages: [{ role: 'user', content: 'Hi' }] }),
  });
  let text = '';
  try {
    for await (const piece of reply.body ?? []) text += Buffer.from(piece).toString();
  } catch {
    // A stream that is refused breaks off.
  }
  return text;
}

function said(body: string): string {
  const payloads = parseEvents(body).map(({ data }) => (data === '[DONE]' ? {} : JSON.parse(data)));
  return payloads.map(({ choices }) => choices?.[0]?.delta?.content ?? '').join('');
}

describe('TextReplacer', () => {
  it('asks a function at each match, and takes what it says as it is', async () => {
    let asked = 0;
    const replacement = () => {
      asked += 1;
      return `$&-${asked}`;
    };
    const rules = [{ expression: /cat/g, replacement }];
    assert.match(await through(rules, 'A cat, another cat.'), /"A \$&-1, another \$&-2\."/);
    assert.equal(said(await through(rules, ['A c', 'a', 't, another cat.'])), 'A $&-3, another $&-4.');
  });

  it('asks only when it is certain that a match is one', async () => {
    let asked = 0;
    const replacement = () => {
      asked += 1;
      return '[foo]';
    };
    const text = ['It is foo', 'bar, is it? And it goes on for a while.'];
    assert.equal(said(await through([{ expression: /\bfoo\b/g, replacement }], text)), text.join(''));
    assert.equal(asked, 0);
  });

  it('leaves bytes as they are where nothing matches, and texts that look like what it puts in', async () => {
    const says = ['Nothing ', 'here: 00000000-0000-4000-8000-000000000000:0;', ' at all.'];
    const rules = [{ expression: /cat/g, replacement: () => 'dog' }];
    assert.equal(await through(rules, says), chatStream(says));
    assert.equal(await through(rules, says.join('')), chatReply(says.join('')));
  });

  it('refuses where its function throws, also when the match is the very last word', async () => {
    const replacement = () => {
      throw new SightlineError('blocked', { message: 'No cats.' });
    };
    for (const says of ['A cat', ['A c', 'at']]) {
      const body = await through([{ expression: /cat/g, replacement }], says);
      assert.match(body, /No cats\./);
      assert.doesNotMatch(body, /"A cat"|\[DONE\]/);
    }
  });

  it('keeps the events of a stream going where it has no rules', async () => {
    const says = ['One', ' two', ' three'];
    assert.equal(await through([], says), chatStream(says));
  });

  it('refuses expressions that find only one match', () => {
    const rules = [{ expression: /cat/, replacement: '' }];
    assert.throws(() => new TextReplacer(rules), /Expected the flag "g" on \/cat\//);
  });
});
