import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiEmbeddings } from '../../src/dialects/openai-embeddings.ts';
import { dialectContract } from '../contract/dialect.ts';

dialectContract({
  dialect: openaiEmbeddings,
  recordings: 'openai-embeddings',
  query: { model: 'text-embedding-3-small', input: ['One', 'Two'] },
  queryTexts: { 'input:0': 'One', 'input:1': 'Two' },
});

describe('openai.embeddings', () => {
  it('leaves token numbers alone', () => {
    const query = { input: [[1, 2, 3]] };
    assert.equal(
      openaiEmbeddings.mapQueryText(query, () => 'x'),
      query,
    );
  });
});
