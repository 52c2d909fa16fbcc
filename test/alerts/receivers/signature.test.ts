import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { isSigningSecret, signedHeaders, signingKey } from '../../../src/alerts/receivers/signature.ts';
import { opensslSignature } from './openssl.ts';

describe('the signature of a webhook', () => {
  test("is that of Standard Webhooks' own libraries", () => {
    // From the tests of those libraries.
    const key = signingKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
    assert.deepEqual(signedHeaders(id, 1_614_265_330_999, '{"test": 2432232314}', key), {
      'webhook-id': id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  test('is what openssl makes of it, with any text as the secret', () => {
    for (const secret of ['a secret of Zoë 🔑', randomBytes(40).toString('hex')]) {
      const body = JSON.stringify({ text: 'naïve ✓' });
      const headers = signedHeaders('id', 5_000, body, signingKey(secret));
      const keyHex = Buffer.from(secret).toString('hex');
      assert.equal(headers['webhook-signature'], opensslSignature('id', '5', body, keyHex));
    }
  });

  test('wants base64 after whsec_', () => {
    for (const length of [1, 2, 3, 24, 64]) {
      assert.ok(isSigningSecret(`whsec_${randomBytes(length).toString('base64')}`));
      assert.ok(isSigningSecret(`whsec_${randomBytes(length).toString('base64url')}`));
    }
    assert.ok(isSigningSecret('not "whsec_", but a text'));
    for (const rest of ['', '=', 'a', 'a secret of ours', 'abcde', 'ab=c'])
      assert.ok(!isSigningSecret(`whsec_${rest}`), rest);
  });

  test('is not there without a secret; id and time are', () => {
    assert.deepEqual(signedHeaders('id', 5_000, '{}', undefined), {
      'webhook-id': 'id',
      'webhook-timestamp': '5',
    });
  });
});
