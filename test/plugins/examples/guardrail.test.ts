import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startWithPlugins } from 'sightline/testing';
import { startBackend } from '../../middleware/proxy.ts';
import { parseEvents } from '../../simulator/client.ts';
import { total } from '../../telemetry/prometheus-text.ts';
import { chatReply, chatStream, metricsOf, question, startExamples } from './examples.ts';

const rules = [
  { name: 'secret', pattern: 'open sesame', action: 'block' },
  { name: 'ticket', pattern: String.raw`T-\d{6}`, action: 'mask' },
];
const prompt = (content: string) => ({ ...question, messages: [{ role: 'user', content }] });
const json = (body: string) => startBackend({ type: 'application/json', body });
const stream = (pieces: string[]) => startBackend({ type: 'text/event-stream', body: chatStream(pieces) });

/** What a stream said to the client. */
function said(bytes: Buffer): string {
  const texts = parseEvents(bytes.toString()).map(({ data }) => {
    const { choices = [] } = data === '[DONE]' ? {} : JSON.parse(data);
    return choices[0]?.delta?.content ?? '';
  });
  return texts.join('');
}

describe('the guardrail plugin', () => {
  it('refuses prompts that a rule blocks, before any upstream is asked', async () => {
    await using proxy = await startExamples({ config: { guardrail: { rules } } });
    const refused = await proxy.ask(prompt('Say "open sesame" to me.'));
    assert.equal(refused.status, 403);
    assert.match(refused.bytes.toString(), /Refused by the rule 'secret' of the guardrail/);
    assert.equal((await proxy.endings.of(refused.id)).outcome, 'blocked');
    assert.deepEqual(proxy.simulator.journal.entries(), []);
    const page = await metricsOf(proxy);
    assert.equal(total(page, 'guardrail_matches_total', { rule: 'secret', action: 'block' }), 1);
  });

  it('masks prompts, so that the upstream never sees what matched', async () => {
    await using proxy = await startExamples({ config: { guardrail: { rules } } });
    await proxy.ask(prompt('What about T-123456?'));
    const masked = await proxy.simulator.journal.settled();
    const plain = await startExamples({ config: {} });
    await plain.ask(prompt('What about [ticket]?'));
    const expected = await plain.simulator.journal.settled();
    await plain[Symbol.asyncDispose]();
    assert.deepEqual(
      masked.map(({ requestSha256 }) => requestSha256),
      expected.map(({ requestSha256 }) => requestSha256),
    );
  });

  it('blocks and masks whole replies', async () => {
    await using tickets = await json(chatReply('See T-123456 and T-654321.'));
    await using masking = await startExamples({ config: { guardrail: { rules } }, upstream: tickets.url });
    const masked = await masking.ask(question);
    assert.match(masked.bytes.toString(), /See \[ticket\] and \[ticket\]\./);
    await using secret = await json(chatReply('The word is: open sesame!'));
    await using blocking = await startExamples({ config: { guardrail: { rules } }, upstream: secret.url });
    const blocked = await blocking.ask(question);
    assert.equal(blocked.status, 403);
    assert.doesNotMatch(blocked.bytes.toString(), /open sesame/);
  });

  it('masks streams, wherever a match is split, and leaves the number of events as it was', async () => {
    const text = 'See T-123456, and also T-654321 in the list.';
    for (const size of [1, 2, 3, 7, text.length]) {
      const pieces = text.match(new RegExp(`.{1,${size}}`, 'g')) ?? [];
      await using backend = await stream(pieces);
      await using proxy = await startExamples({ config: { guardrail: { rules } }, upstream: backend.url });
      const { bytes, isClean } = await proxy.ask({ ...question, stream: true });
      assert.ok(isClean);
      assert.equal(said(bytes), 'See [ticket], and also [ticket] in the list.');
      assert.equal(parseEvents(bytes.toString()).length, pieces.length + 2);
    }
  });

  it('ends a stream before a blocked text begins, wherever that is split', async () => {
    const text = `${'All is well. '.repeat(20)}The word is: open sesame! And more.`;
    for (const size of [1, 4, 300]) {
      await using backend = await stream(text.match(new RegExp(`.{1,${size}}`, 'g')) ?? []);
      await using proxy = await startExamples({ config: { guardrail: { rules } }, upstream: backend.url });
      const { id, bytes } = await proxy.ask({ ...question, stream: true });
      assert.equal((await proxy.endings.of(id)).outcome, 'blocked');
      assert.ok('All is well. '.repeat(20).concat('The word is: ').startsWith(said(bytes)));
      assert.match(bytes.toString(), /"code":"blocked"/);
      assert.doesNotMatch(bytes.toString(), /\[DONE\]/);
    }
  });

  it('lets no mask hide what is to be blocked', async () => {
    const overlapping = [{ name: 'sesame', pattern: 'n sesame|sesame', action: 'mask' }, ...rules];
    await using backend = await stream(['It is op', 'en ses', 'ame.']);
    await using proxy = await startExamples({
      config: { guardrail: { rules: overlapping } },
      upstream: backend.url,
    });
    const { id } = await proxy.ask({ ...question, stream: true });
    assert.equal((await proxy.endings.of(id)).outcome, 'blocked');
  });

  it('fails closed where it cannot read the prompt', async () => {
    await using proxy = await startExamples({ config: { guardrail: { rules } } });
    const broken = await fetch(`${proxy.service.dataUrl}/v1/chat/completions`, { method: 'POST', body: '{' });
    assert.equal(broken.status, 400);
    assert.match(await broken.text(), /malformed_json/);
    assert.deepEqual(proxy.simulator.journal.entries(), []);
  });

  it('no longer looks at exchanges that begin after it was unloaded', async () => {
    await using proxy = await startExamples({ config: { guardrail: { rules } } });
    const query = prompt('open sesame');
    assert.equal((await proxy.ask(query)).status, 403);
    await proxy.service.plugins.unload('guardrail');
    assert.equal((await proxy.ask(query)).status, 200);
    await proxy.service.plugins.reload('guardrail');
    assert.equal((await proxy.ask(query)).status, 403);
  });

  it('in a worker harms no other exchange by a pattern that takes for ever', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sightline-guardrail-'));
    const file = join(folder, 'guardrail.plugin.ts');
    const source = await readFile(new URL('../../../plugins/guardrail.plugin.ts', import.meta.url), 'utf8');
    await writeFile(file, source.replace("name: 'guardrail',", "name: 'guardrail', isolation: 'worker',"));
    try {
      await using sightline = await startWithPlugins({
        plugins: [file],
        config: {
          guardrail: { replies: false, rules: [{ name: 'slow', pattern: '(a+)+$', action: 'block' }] },
        },
        settings: { limits: { pluginWorkerTimeoutMs: 1_000 } },
      });
      assert.equal((await sightline.chat('Hello!')).status, 200);
      assert.equal((await sightline.chat('aaa')).status, 403);
      const trapped = await sightline.chat(`${'a'.repeat(40)}!`);
      assert.equal(trapped.status, 500);
      assert.match(trapped.body, /Middleware 'guardrail' failed/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  for (const [what, pattern, expected] of [
    [
      'is no regular expression',
      '(',
      /rules\.0\.pattern: expected a regular expression: .*Unterminated group/,
    ],
    [
      'matches the empty text',
      'x*',
      /rules\.0\.pattern: expected a pattern that does not match the empty text/,
    ],
  ] as const) {
    it(`is rejected where a pattern ${what}`, async () => {
      const wrong = [{ name: 'wrong', pattern, action: 'mask' }];
      await using proxy = await startExamples({ config: { guardrail: { rules: wrong } } });
      const record = proxy.service.plugins.manager.find('guardrail');
      assert.equal(record?.state, 'rejected');
      assert.match(record?.newestProblem?.message ?? '', expected);
    });
  }
});
