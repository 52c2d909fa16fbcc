import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasNoBrowser } from '../../support/browser.ts';
import { flatness } from './flatness.ts';
import { pageUnderLoad } from './page-under-load.ts';

describe('the console under load', { skip: hasNoBrowser }, () => {
  // What is bounded is full within seconds here; `npm run soak:console` does the same for half an hour as configured.
  it('holds on to no more after a while, the page and the service', async () => {
    const samples = await pageUnderLoad({
      seconds: 30,
      requestsPerSecond: 60,
      secondsPerRound: 2.4,
      limits: {
        snapshotIntervalMs: 50,
        snapshotsMax: 100,
        recentExchangesMax: 200,
        tracesMax: 50,
        markedStreamsMax: 50,
      },
    });
    assert.ok((samples.at(-1)?.exchanges ?? 0) > 500, 'there was traffic');
    for (const figure of ['serviceBytes', 'pageBytes', 'pageNodes'] as const) {
      const { beforeBytes, afterBytes, ratio } = flatness(samples, figure);
      assert.ok(ratio < 1.1, `${figure} grew from ${beforeBytes} to ${afterBytes}`);
    }
  });
});
