import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AddressBar } from '../../src/console/page/address-bar.ts';

/** An address bar whose time passes when a test says so. */
function stage() {
  const written: string[] = [];
  let due: (() => void) | undefined;
  const bar = new AddressBar({
    write: (to) => written.push(to),
    wait(_ms, then) {
      due = then;
      return () => {
        due = undefined;
      };
    },
  });
  const pass = () => {
    const then = due;
    due = undefined;
    then?.();
  };
  return { bar, written, pass, isResting: () => due !== undefined };
}

describe('addresses that replace one another', () => {
  it('are written at once, and while a key is held now and then, the last of all', () => {
    const { bar, written, pass, isResting } = stage();
    for (const to of ['a', 'b', 'c']) bar.replace(to);
    assert.deepEqual(written, ['a']);
    pass();
    assert.deepEqual(written, ['a', 'c']);
    bar.replace('d');
    assert.deepEqual(written, ['a', 'c']);
    pass();
    pass();
    assert.deepEqual(written, ['a', 'c', 'd']);
    assert.equal(isResting(), false);
    bar.replace('e');
    assert.equal(written.at(-1), 'e');
  });

  it('do not wait where the page goes elsewhere, and are never written over another entry', () => {
    const { bar, written, pass, isResting } = stage();
    bar.replace('a');
    bar.replace('b');
    bar.flush();
    assert.deepEqual(written, ['a', 'b']);
    bar.replace('c');
    bar.drop();
    pass();
    assert.deepEqual(written, ['a', 'b']);
    assert.equal(isResting(), false);
  });
});
