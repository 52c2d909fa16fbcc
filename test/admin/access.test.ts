import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { requireKnownHost, requireToken } from '../../src/admin/access.ts';
import { asSightlineError } from '../../src/errors.ts';

const tell: ErrorRequestHandler = (thrown, _request, response, _next) => {
  const error = asSightlineError(thrown);
  response.status(error.status).end(error.code);
};

/** What a request with these headers gets to hear: `200`, or a status and a code of the error table. */
async function answer(guard: RequestHandler, headers: http.OutgoingHttpHeaders) {
  const fine: RequestHandler = (_request, response) => {
    response.end();
  };
  const server = express().use(guard, fine, tell).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const request = http.request({ port, host: '127.0.0.1', headers, setHost: false, agent: false }).end();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const text = (await response.setEncoding('utf8').toArray()).join('');
    return { said: `${response.statusCode} ${text}`.trim(), challenge: response.headers['www-authenticate'] };
  } finally {
    server.close();
  }
}

describe('on loopback, the Host header', () => {
  const own = [
    'localhost',
    'LOCALHOST:4001',
    '127.0.0.1',
    '127.0.0.1:4001',
    '[::1]',
    '[::1]:4001',
    '127.0.0.2:80',
  ];
  const foreign = [
    'evil.example',
    'evil.example:4001',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example#localhost',
    '10.0.0.1',
    '127.0.0.1:4001:4001',
    '',
  ];
  for (const bound of ['127.0.0.1', '::1', 'localhost', '127.0.0.2', 'LocalHost']) {
    test(`has to name loopback, where the plane is bound to ${bound}`, async () => {
      for (const host of own)
        assert.equal((await answer(requireKnownHost(bound), { host })).said, '200', host);
      for (const host of foreign)
        assert.equal((await answer(requireKnownHost(bound), { host })).said, '403 host_not_allowed', host);
    });
  }

  test('may be any where the plane is bound elsewhere: there a token stands before it', async () => {
    for (const bound of ['0.0.0.0', '::', '10.1.2.3', 'admin.internal'])
      assert.equal((await answer(requireKnownHost(bound), { host: 'any.example' })).said, '200', bound);
  });
});

describe('the token', () => {
  const token = 'a-token-of-24-characters';
  const host = 'localhost';

  test('is not asked for where none is set', async () => {
    assert.equal((await answer(requireToken(undefined), { host })).said, '200');
  });

  for (const authorization of [`Bearer ${token}`, `bearer ${token}`, `BEARER ${token}`]) {
    test(`is right: ${authorization}`, async () => {
      assert.equal((await answer(requireToken(token), { host, authorization })).said, '200');
    });
  }

  const wrong = {
    'is missing': undefined,
    'is empty': 'Bearer ',
    'is another of the same length': `Bearer ${token.replace('a', 'b')}`,
    'is longer': `Bearer ${token}x`,
    'is shorter': `Bearer ${token.slice(1)}`,
    'is of another scheme': `Basic ${token}`,
    'comes without its scheme': token,
    'is in another case': `Bearer ${token.toUpperCase()}`,
    'is very long': `Bearer ${'x'.repeat(8_000)}`,
    'is no ASCII': 'Bearer \u00e4\u00f6\u00fc',
  };
  for (const [name, authorization] of Object.entries(wrong)) {
    test(`${name}: refused, with what is wanted`, async () => {
      const headers = authorization === undefined ? { host } : { host, authorization };
      assert.deepEqual(await answer(requireToken(token), headers), {
        said: '401 unauthorized',
        challenge: 'Bearer',
      });
    });
  }
});
