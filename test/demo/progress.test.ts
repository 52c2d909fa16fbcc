import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Progress } from '../../src/demo/progress.ts';
import { Tally } from '../../src/demo/tally.ts';

function screen(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, columns: 40, written, write: (text: string) => written.push(text) };
}

const pulse = { began: 12, inFlight: 3 };

describe('the progress of the demo', () => {
  it('rewrites one line a second on a terminal, which fits on it', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const terminal = screen(true);
    const tally = new Tally();
    {
      using _progress = new Progress(terminal, tally, pulse);
      t.mock.timers.tick(2_000);
    }
    assert.equal(terminal.written.length, 3, 'two lines, and the last one taken back');
    for (const text of terminal.written) {
      assert.ok(text.startsWith('\r\u001b[K') && !text.includes('\n'));
      assert.ok(text.length - '\r\u001b[K'.length < terminal.columns);
    }
    t.mock.timers.tick(5_000);
    assert.equal(terminal.written.length, 3, 'disposed of, it is silent');
  });

  it('adds a line each ten seconds to a log, with all that is known', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const log = screen(false);
    const tally = new Tally();
    tally.add({ ending: 'completed', input: 1_200, output: 30 });
    tally.add({ ending: 'hung_up' });
    using _progress = new Progress(log, tally, pulse);
    t.mock.timers.tick(20_000);
    assert.equal(log.written.length, 2);
    assert.match(
      log.written[1] ?? '',
      /^0\.0\/s · 3 in flight · 1 completed, 1 hung up · tokens 1,200 in, 30 out\n$/,
    );
  });
});
