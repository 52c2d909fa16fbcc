import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openWorkplace, root } from './workplace.ts';

describe('commands', () => {
  it('are listed by --help', async () => {
    await using place = await openWorkplace();
    const { code, stdout } = await place.run(['--help']);
    assert.equal(code, 0);
    for (const usage of [
      'plugin new NAME [--folder DIR]',
      'plugin check FILE…',
      'plugin test FILE…',
      'alerts export [--tests]',
    ]) {
      assert.ok(stdout.includes(`sightline ${usage}`), usage);
    }
    const own = await place.run(['plugin', 'new', '--help']);
    assert.match(own.stdout, /^Usage: sightline plugin new NAME/);
  });

  it('are told as npm takes them, where npm runs them', async () => {
    await using place = await openWorkplace();
    // As npm leaves it of "npm run plugin:new other --folder mine".
    const { code, stderr } = await place.run(['plugin', 'new', 'other', 'mine'], {
      npm_lifecycle_event: 'plugin:new',
    });
    assert.equal(code, 1);
    const expected = 'Expected one name, not "other" and "mine": npm run plugin:new -- NAME [--folder DIR]';
    assert.ok(stderr.includes(expected), stderr);
  });

  for (const [args, expected] of [
    [
      ['plugin'],
      /"plugin" is no command; expected none, .* or one of plugin new, plugin check, plugin test, alerts export/,
    ],
    [['plugin', 'delete'], /"plugin delete" is no command/],
    [['start'], /"start" is no command/],
    [
      ['plugin', 'new', 'x', '--force'],
      /Unknown option '--force': sightline plugin new NAME \[--folder DIR\]\n$/,
    ],
    [['plugin', 'new', 'x', '--folder'], /Option '--folder <value>' argument missing: sightline plugin new/],
    [['plugin', 'check'], /Expected files: sightline plugin check FILE…/],
    [['plugin', 'test'], /Expected test files: sightline plugin test FILE…/],
    [['plugin', 'test', 'none.test.ts'], /There is no file none\.test\.ts; expected a test/],
    [
      ['plugin', 'test', `${root}plugins/tenant.plugin.ts`],
      /is a plugin; expected its test, such as .*tenant\.plugin\.test\.ts/,
    ],
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
