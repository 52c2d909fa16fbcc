import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiCompletions } from '../../src/dialects/openai-completions.ts';
import { dialectContract } from '../contract/dialect.ts';

dialectContract({
  dialect: openaiCompletions,
  recordings: 'openai-completions',
  query: { model: 'gpt-3.5-turbo-instruct', prompt: ['Once', 'Twice', [1, 2]], suffix: 'The end.' },
  queryTexts: { 'prompt:0': 'Once', 'prompt:1': 'Twice', suffix: 'The end.' },
});

describe('openai.completions', () => {
  it('maps a single prompt', () => {
    const mapped = openaiCompletions.mapQueryText({ prompt: 'a' }, (text, slot) => `${slot}=${text}`);
    assert.deepEqual(mapped, { prompt: 'prompt=a' });
  });
});
