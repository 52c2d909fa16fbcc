import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openWorkplace } from './workplace.ts';

describe('commands', () => {
  it('are listed by --help', async () => {
    await using place = await openWorkplace();
    const { code, stdout } = await place.run(['--help']);
    assert.equal(code, 0);
    for (const usage of ['plugin new NAME [--folder DIR]', 'plugin check FILE…', 'plugin test FILE…']) {
      assert.ok(stdout.includes(`sightline ${usage}`), usage);
    }
    const own = await place.run(['plugin', 'new', '--help']);
    assert.match(own.stdout, /^Usage: sightline plugin new NAME/);
  });

  for (const [args, expected] of [
    [['plugin'], /"plugin" is no command; expected none, .* or one of plugin new, plugin check, plugin test/],
    [['plugin', 'delete'], /"plugin delete" is no command/],
    [['start'], /"start" is no command/],
    [['plugin', 'new', 'x', '--force'], /Unknown option '--force'/],
    [['plugin', 'check'], /Expected files: sightline plugin check FILE…/],
    [['plugin', 'test'], /Expected test files: sightline plugin test FILE…/],
    [['plugin', 'test', 'none.test.ts'], /There is no file none\.test\.ts; expected a test/],
  ] as const) {
    it(`that are wrong are refused with what was expected: ${args.join(' ')}`, async () => {
      await using place = await openWorkplace();
      const { code, stderr } = await place.run(args);
      assert.equal(code, 1);
      assert.match(stderr, expected);
      assert.doesNotMatch(stderr, /^\s+at /m, 'no stack');
    });
  }
});
