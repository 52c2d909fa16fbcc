import assert from 'node:assert/strict';
import { it } from 'node:test';
import { reloadUnderLoad } from './reload-under-load.ts';

// The long version, with 2,000 reloads and 200 broken versions, is `npm run soak`.
it('no request is lost and none sees two generations, while plugins are reloaded and broken under load', async () => {
  const { requests, exchanges, ...report } = await reloadUnderLoad({ reloads: 100, broken: 12, clients: 24 });
  assert.deepEqual(report, {
    failures: [],
    mixed: 0,
    incomplete: 0,
    reloads: 100,
    rejections: 12,
    misplaced: [],
    generationsLeft: 0,
  });
  assert.equal(exchanges, requests);
  assert.ok(requests > 100, `only ${requests} requests`);
});
