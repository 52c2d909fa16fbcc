import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiRealtime } from '../../../src/dialects/openai-realtime.ts';
import type { ReplyFacts } from '../../../src/exchange/facts.ts';
import { createMiddleware } from '../../../src/middleware/builtin/index.ts';
import type { Middleware } from '../../../src/middleware/middleware.ts';
import { recordedSessions, type SessionRecording } from '../../dialects/recordings.ts';
import { ReaderStage, settled } from './reader-stage.ts';

interface Expected {
  readonly model: string;
  readonly refused: readonly { readonly isQuery: boolean; readonly error: string }[];
  readonly turns: Readonly<Record<string, { outcome: string; outputs: number; facts: ReplyFacts }>>;
}

const none = () => undefined;
const idle: Middleware = {
  name: 'idle',
  beforeQuery: none,
  onChunk: none,
  afterResponse: none,
  onError: none,
};
const target = '/v1/realtime?model=gpt-realtime';

async function replay(
  { messages }: SessionRecording,
  middleware: readonly Middleware[],
): Promise<ReaderStage> {
  const stage = new ReaderStage({ dialect: openaiRealtime, middleware, target });
  for (const { from, text } of messages) await stage[from](text);
  await settled();
  return stage;
}

for (const recording of recordedSessions('openai-realtime')) {
  const expected = recording.expected as unknown as Expected;
  for (const middleware of [[], [idle]]) {
    describe(`the session ${recording.name} ${middleware.length > 0 ? 'through middleware' : 'looked at'}`, () => {
      it('goes through as the same bytes', async () => {
        using stage = await replay(recording, middleware);
        for (const [from, to] of [
          ['client', 'upstream'],
          ['upstream', 'client'],
        ] as const) {
          const sent = recording.messages.filter((message) => message.from === from);
          assert.deepEqual(
            stage.got[to],
            sent.map(({ text }) => text),
          );
        }
      });

      it('has the turns that it had, each with what it was', async () => {
        using stage = await replay(recording, middleware);
        const replied = stage.turns.filter(({ attempt }) => attempt?.headAt !== undefined);
        const turns = replied.map(({ attempt, outcome }) => [
          attempt?.reply.id,
          { outcome, outputs: attempt?.outputChunks, facts: attempt?.reply },
        ]);
        const told = Object.entries(expected.turns).map(([id, { outcome, outputs, facts }]) => [
          id,
          { outcome, outputs, facts: { ...facts, model: expected.model } },
        ]);
        assert.deepEqual(turns, told);
        const refused = stage.turns.filter(({ attempt }) => attempt?.headAt === undefined);
        assert.deepEqual(
          refused.map(({ outcome, attempt }) => [outcome, attempt?.reply.error]),
          expected.refused.filter(({ isQuery }) => isQuery).map(({ error }) => ['upstream_error', error]),
        );
        assert.ok(replied.every(({ query }) => query?.model === 'gpt-realtime'));
        assert.equal(stage.reader.openTurns, 0);
      });
    });
  }
}

describe('redaction on a realtime session', () => {
  it('replaces what a stream splits, within each turn, and in what the client says', async () => {
    const middleware = createMiddleware([
      { name: 'redact', options: { patterns: [{ name: 'word', pattern: 'secret', replacement: '***' }] } },
    ]);
    using stage = new ReaderStage({ dialect: openaiRealtime, middleware, target });
    const item = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'a secret' }] };
    await stage.client({ type: 'conversation.item.create', item });
    await stage.client({ type: 'response.create' });
    const response = { id: 'resp_1', object: 'realtime.response', status: 'in_progress' };
    const delta = (text: string) => ({
      type: 'response.output_text.delta',
      response_id: 'resp_1',
      item_id: 'item_1',
      output_index: 0,
      content_index: 0,
      delta: text,
    });
    stage.upstream({ type: 'response.created', response });
    for (const text of ['the sec', 're', 't is out']) stage.upstream(delta(text));
    stage.upstream({ type: 'response.done', response: { ...response, status: 'completed', output: [] } });
    const [created] = stage.got.upstream.map((text) => JSON.parse(text));
    assert.equal(created.item.content[0].text, 'a ***');
    const said = stage.got.client.map((text) => JSON.parse(text).delta ?? '').join('');
    assert.equal(said, 'the *** is out');
    assert.equal(JSON.parse(stage.got.client.at(-1) ?? '').type, 'response.done');
  });
});
