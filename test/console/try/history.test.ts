import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { isLocked } from '../../../src/console/page/state/session.ts';
import { firstState } from '../../../src/console/page/try/form-state.ts';
import { credential, form } from '../../../src/console/page/try/history.ts';

describe('what is filled in', () => {
  afterEach(() => {
    isLocked.value = false;
  });

  it('is forgotten with the session: whoever signs in next is perhaps somebody else', () => {
    form.value = firstState({ isSimulator: true, upstreams: [] });
    credential.value = { key: 'sk-secret', isBearer: true };
    isLocked.value = true;
    assert.equal(form.value, undefined);
    assert.equal(credential.value.key, '');
  });
});
