import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import {
  isFromSession,
  refuseOtherOrigins,
  requireAccess,
  requireKnownHost,
} from '../../src/admin/access.ts';
import { Credentials } from '../../src/admin/credentials.ts';
import { asSightlineError } from '../../src/errors.ts';
import { defaultLimits } from '../../src/limits.ts';

const tell: ErrorRequestHandler = (thrown, _request, response, _next) => {
  const error = asSightlineError(thrown);
  response.status(error.status).end(error.code);
};

/** What a request with these headers gets to hear: `200`, or a status and a code of the error table. */
async function answer(
  guard: RequestHandler | readonly RequestHandler[],
  headers: http.OutgoingHttpHeaders,
  method = 'GET',
) {
  let wasSession = false;
  const fine: RequestHandler = (request, response) => {
    wasSession = isFromSession(request);
    response.end();
  };
  const server = express()
    .use(...[guard].flat(), fine, tell)
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const request = http
      .request({ port, host: '127.0.0.1', method, headers, setHost: false, agent: false })
      .end();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const text = (await response.setEncoding('utf8').toArray()).join('');
    const { 'www-authenticate': challenge, 'retry-after': retryAfter } = response.headers;
    return { said: `${response.statusCode} ${text}`.trim(), challenge, retryAfter, wasSession };
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

const token = 'a-token-of-24-characters';

describe('the token', () => {
  const host = 'localhost';
  const guard = () => requireAccess(new Credentials(token, defaultLimits));

  test('is not asked for where none is set', async () => {
    assert.equal((await answer(requireAccess(undefined), { host })).said, '200');
  });

  for (const authorization of [`Bearer ${token}`, `bearer ${token}`, `BEARER ${token}`]) {
    test(`is right: ${authorization}`, async () => {
      const { said, wasSession } = await answer(guard(), { host, authorization });
      assert.deepEqual([said, wasSession], ['200', false]);
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
      const { said, challenge } = await answer(guard(), headers);
      assert.deepEqual([said, challenge], ['401 unauthorized', 'Bearer']);
    });
  }

  test('may be wrong so often in a minute; the right one is taken all the same', async () => {
    const credentials = new Credentials(token, { ...defaultLimits, wrongTokensPerMinuteMax: 2 });
    const ask = (authorization: string) => answer(requireAccess(credentials), { host, authorization });
    for (let i = 0; i < 2; i += 1) assert.equal((await ask('Bearer wrong')).said, '401 unauthorized');
    const { said, retryAfter } = await ask('Bearer wrong');
    assert.equal(said, '429 too_many_wrong_tokens');
    assert.ok(Number(retryAfter) >= 1 && Number(retryAfter) <= 60, retryAfter);
    assert.equal((await ask(`Bearer ${token}`)).said, '200');
    // Who sends none guesses nothing.
    assert.equal((await answer(requireAccess(credentials), { host })).said, '401 unauthorized');
  });
});

describe('a session', () => {
  const now = 1_800_000_000_000;
  let clock = now;
  const at = (time: number) => {
    clock = time;
    return new Credentials(token, defaultLimits, () => clock);
  };
  const name = 'sightline-session-4001';
  const host = 'localhost:4001';
  const session = at(now).openSession();
  const ask = (cookie: string, credentials = at(now)) => answer(requireAccess(credentials), { host, cookie });
  const { consoleSessionMs } = defaultLimits;

  test('is as good as the token, and can be told from it', async () => {
    for (const cookie of [
      `${name}=${session}`,
      `a=b; ${name}=${session}; c=d`,
      `${name}=wider-path; ${name}=${session}`,
      `${name}=${session};`,
    ]) {
      const { said, wasSession } = await ask(cookie);
      assert.deepEqual([said, wasSession], ['200', true], cookie);
    }
  });

  test('is as good where a proxy adds a login of its own', async () => {
    const headers = { host, cookie: `${name}=${session}`, authorization: 'Basic dXNlcjpwYXNz' };
    assert.equal((await answer(requireAccess(at(now)), headers)).said, '200');
  });

  test('does not hold the token', () => {
    assert.match(session, /^\d+\.[\w-]{43}$/);
    assert.ok(!session.includes(token));
  });

  test('ends when its time is over', async () => {
    const cookie = `${name}=${session}`;
    assert.equal((await ask(cookie, at(now + consoleSessionMs - 1))).said, '200');
    for (const late of [consoleSessionMs, consoleSessionMs + 1, 10 * consoleSessionMs])
      assert.equal((await ask(cookie, at(now + late))).said, '401 unauthorized');
  });

  test('ends with another token', async () => {
    const other = new Credentials(`${token}x`, defaultLimits, () => now);
    assert.equal((await ask(`${name}=${session}`, other)).said, '401 unauthorized');
    assert.equal((await ask(`${name}=${other.openSession()}`)).said, '401 unauthorized');
  });

  const [end = '', code = ''] = session.split('.');
  const worthless = {
    'is empty': '',
    'ends later than it was given for': `${Number(end) + 1}.${code}`,
    'ends earlier than it was given for': `${Number(end) - 1}.${code}`,
    'has its end in another form': `0${end}.${code}`,
    'has no code': end,
    'has an empty code': `${end}.`,
    'has a code that is shorter': `${end}.${code.slice(1)}`,
    'has a code that is longer': `${end}.${code}A`,
    'has another code': `${end}.${code.startsWith('A') ? 'B' : 'A'}${code.slice(1)}`,
    'has a code that is no base64url': `${end}.${'!'.repeat(43)}`,
    'has no number': `x.${code}`,
    'ends never': `Infinity.${code}`,
    'is the token': token,
    'is quoted': `"${session}"`,
    'is very long': 'x'.repeat(8_000),
  };
  for (const [what, value] of Object.entries(worthless)) {
    test(`is none that ${what}`, async () => {
      const { said, challenge, wasSession } = await ask(`${name}=${value}`);
      assert.deepEqual([said, challenge, wasSession], ['401 unauthorized', 'Bearer', false]);
    });
  }

  test('is for one port: browsers send the cookies of all', async () => {
    for (const other of ['sightline-session-4002', 'sightline-session-', 'sightline-session', 'session'])
      assert.equal((await ask(`${other}=${session}`)).said, '401 unauthorized', other);
  });
});

describe('where it comes from', () => {
  const credentials = new Credentials(token, defaultLimits);
  const host = 'localhost:4001';
  const origin = `http://${host}`;
  const cookie = `sightline-session-4001=${credentials.openSession()}`;
  const ways: Record<string, [guards: RequestHandler[], headers: http.OutgoingHttpHeaders]> = {
    'on loopback': [[requireAccess(undefined), refuseOtherOrigins], { host }],
    'with the token': [
      [requireAccess(credentials), refuseOtherOrigins],
      { host, authorization: `Bearer ${token}` },
    ],
    'by a session': [[requireAccess(credentials), refuseOtherOrigins], { host, cookie }],
  };
  const pages: Record<string, [headers: http.OutgoingHttpHeaders, isOurs: boolean]> = {
    'our page says so': [{ origin, 'sec-fetch-site': 'same-origin' }, true],
    'our page in an old browser says so': [{ origin }, true],
    'our page behind a proxy that encrypts': [{ origin: `https://${host}` }, true],
    'our page behind a proxy that changes Host': [
      { origin: 'https://admin.example', 'sec-fetch-site': 'same-origin' },
      true,
    ],
    'a page of another site': [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, false],
    'a page of another site in an old browser': [{ origin: 'https://evil.example' }, false],
    'a page of another port': [{ origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' }, false],
    'a page of another port in an old browser': [{ origin: 'http://localhost:3000' }, false],
    'a page in a sandbox': [{ origin: 'null', 'sec-fetch-site': 'cross-site' }, false],
    'a page in a sandbox in an old browser': [{ origin: 'null' }, false],
    'a form without an origin': [{ 'sec-fetch-site': 'cross-site' }, false],
    'something of another time': [{ 'sec-fetch-site': 'elsewhere' }, false],
  };
  for (const [way, [guards, headers]] of Object.entries(ways)) {
    for (const [page, [said, isOurs]] of Object.entries(pages)) {
      test(`${way}, ${page}: ${isOurs ? 'taken' : 'refused'}`, async () => {
        for (const method of ['POST', 'DELETE', 'PUT', 'PATCH'])
          assert.equal(
            (await answer(guards, { ...headers, ...said }, method)).said,
            isOurs ? '200' : '403 cross_site',
            method,
          );
      });

      const isHidden = !isOurs && 'sec-fetch-site' in said;
      test(`${way}, ${page}: ${isHidden ? 'not even read' : 'read'}`, async () => {
        const ask = (more: http.OutgoingHttpHeaders, method: string) =>
          answer(guards, { ...headers, ...said, ...more }, method);
        const status = isHidden ? '403' : '200';
        for (const mode of ['no-cors', 'cors', 'websocket']) {
          assert.match((await ask({ 'sec-fetch-mode': mode }, 'GET')).said, new RegExp(`^${status}`));
          assert.match((await ask({ 'sec-fetch-mode': mode }, 'HEAD')).said, new RegExp(`^${status}`));
        }
        // Who follows a link from elsewhere sees what is there.
        assert.equal((await ask({ 'sec-fetch-mode': 'navigate' }, 'GET')).said, '200');
      });
    }

    test(`${way}, nobody says anything: ${way === 'by a session' ? 'refused' : 'taken'}`, async () => {
      const expected = way === 'by a session' ? '403 cross_site' : '200';
      for (const said of [{}, { 'sec-fetch-site': 'none' }]) {
        assert.equal((await answer(guards, { ...headers, ...said }, 'POST')).said, expected);
        assert.equal((await answer(guards, { ...headers, ...said })).said, '200');
      }
    });
  }
});
