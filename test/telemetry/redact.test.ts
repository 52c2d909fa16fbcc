import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { safeReason, safeSubprotocol } from '../../src/telemetry/redact.ts';

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4fwpM';

describe('a subprotocol', () => {
  const names = [
    'realtime',
    'openai-beta.realtime-v1',
    'sightline.stream.v1',
    'graphql-transport-ws',
    'graphql-ws',
    'v12.stomp',
    'mqtt',
    'wamp.2.msgpack.batched',
    'v5.channel.k8s.io',
    'ocpp2.0.1',
    'json.reliable.webpubsub.azure.v1',
  ];
  for (const name of names) {
    test(`is shown: ${name}`, () => {
      assert.equal(safeSubprotocol(name), name);
    });
  }

  const keys = [
    'openai-insecure-api-key.sk-proj-abc123',
    'openai-insecure-api-key.ek_68a1',
    `openai-ephemeral.${jwt}`,
    'base64url.bearer.authorization.k8s.io.c2VjcmV0',
    'sk-ant-api03-abcdef',
    'Authorization',
    'token-1234',
    '0123456789abcdef0123456789abcdef',
    'x'.repeat(65),
    jwt,
  ];
  for (const key of keys) {
    test(`is not shown: ${key.slice(0, 40)}`, () => {
      assert.equal(safeSubprotocol(key), 'REDACTED');
    });
  }
});

describe('a reason', () => {
  const plain = [
    'Your session hit the maximum duration of 60 minutes.',
    'invalid_request_error.invalid_api_key',
    'Model gpt-4o-realtime-preview-2024-12-17 not found',
    'session_limit_of_30_minutes_reached',
    'see https://platform.openai.com/docs/guides/realtime for details',
    'Sitzung beendet – 好的 👋',
    '',
  ];
  for (const reason of plain) {
    test(`is shown: '${reason.slice(0, 50)}'`, () => {
      assert.equal(safeReason(reason), reason);
    });
  }

  const redacted: [reason: string, shown: string][] = [
    ['Incorrect API key provided: sk-proj-abc_DEF-123.', 'Incorrect API key provided: REDACTED.'],
    ['no access for 0123456789abcdef0123456789abcdef!', 'no access for REDACTED!'],
    [`bad token ${jwt}`, 'bad token REDACTED'],
    ['SK-ABCD1234 and pk_live_1234', 'REDACTED and REDACTED'],
    ['basic dXNlcjpwYXNzd29yZDEyMw==', 'basic REDACTED'],
  ];
  for (const [reason, shown] of redacted) {
    test(`has its key taken out: '${reason.slice(0, 30)}'`, () => {
      assert.equal(safeReason(reason), shown);
    });
  }

  test('is no longer than a close frame can carry', () => {
    assert.equal(safeReason('long '.repeat(1_000)).length, 123);
  });
});
