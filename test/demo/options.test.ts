import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OptionsError, readOptions } from '../../src/demo/options.ts';

describe('the options of the demo', () => {
  it('have defaults that suit npm start', () => {
    const options = readOptions([], {});
    assert.equal(options?.baseUrl.href, 'http://localhost:4000/');
    assert.deepEqual([options?.rate, options?.seed, options?.seconds], [5, 1, Number.POSITIVE_INFINITY]);
  });

  it('are read from the command line and SIGHTLINE_URL', () => {
    const args = ['--rate', '0.5', '--seconds=60', '--seed', '9', '--anthropic', '/anthropic'];
    const options = readOptions(args, { SIGHTLINE_URL: 'http://sightline:4000' });
    assert.equal(options?.baseUrl.href, 'http://sightline:4000/');
    assert.deepEqual(
      [options?.rate, options?.seconds, options?.seed, options?.anthropicPrefix],
      [0.5, 60, 9, '/anthropic'],
    );
  });

  it('may ask for help alone', () => {
    assert.equal(readOptions(['--help'], {}), undefined);
  });

  for (const [args, expected] of [
    [['--rate', 'many'], /--rate is "many"; expected a number above 0/],
    [['--rate', '0'], /--rate is "0"/],
    [['--seconds', ''], /--seconds is ""/],
    [['--anthropic', 'anthropic'], /--anthropic is "anthropic"; expected a path/],
    [['--speed', '1'], /Unknown option '--speed'/],
    [['fast'], /Unexpected argument 'fast'/],
  ] as const) {
    it(`refuse ${args.join(' ')}`, () => {
      assert.throws(
        () => readOptions(args, {}),
        (error) => error instanceof OptionsError && expected.test(error.message),
      );
    });
  }

  it('refuse an address that is none', () => {
    assert.throws(
      () => readOptions([], { SIGHTLINE_URL: 'localhost:4000' }),
      /SIGHTLINE_URL is "localhost:4000"/,
    );
  });
});
