import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { defaultLimits } from '../../src/limits.ts';
import { RawConnection, statusOf } from '../support/raw-http.ts';
import { startService } from '../support/service.ts';
import { readEvents } from './read-events.ts';

const token = 'a-token-of-24-characters';
const admin = { host: '127.0.0.1', port: 0, token };
const json = { 'content-type': 'application/json' };

async function errorOf(reply: Response): Promise<[status: number, code: string]> {
  const { error } = (await reply.json()) as { error: { code: string } };
  return [reply.status, error.code];
}

describe('the login', async () => {
  const service = await startService({ config: { admin, limits: { requestHeadersBytesMax: 1_000 } } });
  after(() => service.stop());
  const { adminUrl } = service;
  const { port } = new URL(adminUrl);
  const login = (body: string | null, headers: Record<string, string> = json) =>
    fetch(`${adminUrl}/api/session`, { method: 'POST', body, headers });
  const right = JSON.stringify({ token });
  const cookieOf = (reply: Response) => reply.headers.getSetCookie();
  const sessionOf = (reply: Response) => cookieOf(reply)[0]?.split(';')[0] ?? '';

  it('gives a cookie for the token: not for scripts, not for other sites, and without the token in it', async () => {
    const reply = await login(right);
    assert.deepEqual([reply.status, await reply.text()], [204, '']);
    const [cookie = '', ...others] = cookieOf(reply);
    assert.deepEqual(others, []);
    const [pair = '', ...attributes] = cookie.split('; ');
    assert.match(pair, new RegExp(`^sightline-session-${port}=\\d+\\.[\\w-]{43}$`));
    assert.deepEqual(attributes, ['Max-Age=43200', 'Path=/', 'HttpOnly', 'SameSite=Strict']);
    assert.ok(!cookie.includes(token));
    assert.equal(reply.headers.get('cache-control'), 'no-store');
  });

  it('gives one for encrypted connections alone where it came over one', async () => {
    for (const proto of ['https', 'HTTPS', 'https, http']) {
      const [cookie = ''] = cookieOf(await login(right, { ...json, 'x-forwarded-proto': proto }));
      assert.match(cookie, /; Secure$/, proto);
    }
    for (const proto of ['http', 'http, https', 'httpsx']) {
      const [cookie = ''] = cookieOf(await login(right, { ...json, 'x-forwarded-proto': proto }));
      assert.doesNotMatch(cookie, /Secure/, proto);
    }
  });

  it('lets in with it, and the console is told', async () => {
    const cookie = sessionOf(await login(right));
    const hasSession = async (headers: Record<string, string>) => {
      const reply = await fetch(`${adminUrl}/api/console`, { headers });
      return ((await reply.json()) as { hasSession: boolean }).hasSession;
    };
    assert.equal(await hasSession({ cookie }), true);
    assert.equal(await hasSession({ authorization: `Bearer ${token}` }), false);
    assert.equal((await fetch(`${adminUrl}/api/console`)).status, 401);
  });

  it('lets our page change something with it, and no other one', async () => {
    const cookie = sessionOf(await login(right));
    const reload = (headers: Record<string, string>) =>
      fetch(`${adminUrl}/api/plugins/reload`, { method: 'POST', headers: { cookie, ...headers } });
    assert.equal((await reload({ origin: adminUrl, 'sec-fetch-site': 'same-origin' })).status, 200);
    for (const headers of [{}, { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' }])
      assert.deepEqual(await errorOf(await reload(headers)), [403, 'cross_site']);
  });

  it('ends: the cookie is taken away', async () => {
    const reply = await fetch(`${adminUrl}/api/session`, { method: 'DELETE' });
    assert.deepEqual([reply.status, await reply.text()], [204, '']);
    assert.deepEqual(cookieOf(reply), [
      `sightline-session-${port}=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict`,
    ]);
  });

  it('takes a token with the blanks of a clipboard around it', async () => {
    assert.equal((await login(JSON.stringify({ token: ` ${token}\n` }))).status, 204);
  });

  it('refuses what is not the token', async () => {
    const wrong = [token.toUpperCase(), `${token}x`, token.slice(1), 'ä'];
    for (const one of wrong) {
      const reply = await login(JSON.stringify({ token: one }));
      assert.deepEqual(cookieOf(reply), []);
      assert.equal(reply.headers.get('www-authenticate'), 'Bearer');
      assert.deepEqual(await errorOf(reply), [401, 'unauthorized']);
    }
  });

  const bodies: [what: string, body: string | null][] = [
    ['nothing', null],
    ['no JSON', '{ "token": '],
    ['no object', `"${token}"`],
    ['null', 'null'],
    ['no token', '{}'],
    ['an empty token', '{ "token": " " }'],
    ['a token that is no text', '{ "token": [1] }'],
    ['something else beside it', JSON.stringify({ token, user: 'me' })],
  ];
  for (const [what, body] of bodies) {
    it(`refuses ${what}`, async () => {
      assert.deepEqual(await errorOf(await login(body)), [400, 'malformed_request']);
    });
  }

  it('refuses what forms can send', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
      assert.deepEqual(await errorOf(await login(right, { 'content-type': type })), [
        415,
        'content_type_unsupported',
      ]);
  });

  it('refuses a body of any length', async () => {
    const long = (length: number) => JSON.stringify({ token: 'x'.repeat(length - 12) });
    assert.deepEqual(await errorOf(await login(long(1_000))), [401, 'unauthorized']);
    assert.deepEqual(await errorOf(await login(long(1_001))), [413, 'body_too_large']);
  });

  it('takes the next request on a connection whose body was too large', async () => {
    const bytes = 5_000_000;
    const head = 'POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const connection = await RawConnection.open(adminUrl);
    await connection.send(`${head}Content-Length: ${bytes}\r\n\r\n`);
    await connection.send(Buffer.alloc(bytes, 'x'));
    await connection.send(`${head}Content-Length: ${right.length}\r\n\r\n${right}`);
    const statuses = [await connection.reply(), await connection.reply()].map(
      (reply) => reply && statusOf(reply),
    );
    assert.deepEqual(statuses, [413, 204]);
    connection.close();
  });

  it('is not for pages of other origins', async () => {
    for (const method of ['POST', 'DELETE'])
      for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'same-site' }]) {
        const reply = await fetch(`${adminUrl}/api/session`, { method, headers: { ...json, ...headers } });
        assert.deepEqual(cookieOf(reply), []);
        assert.deepEqual(await errorOf(reply), [403, 'cross_site']);
      }
  });

  it('is at other methods what is not there', async () => {
    const headers = { authorization: `Bearer ${token}` };
    for (const method of ['GET', 'PUT'])
      assert.deepEqual(await errorOf(await fetch(`${adminUrl}/api/session`, { method, headers })), [
        404,
        'resource_unknown',
      ]);
  });
});

describe('a stream of events', () => {
  async function start(limits: object) {
    const service = await startService({ config: { admin, limits } });
    const reply = await fetch(`${service.adminUrl}/api/session`, {
      method: 'POST',
      body: JSON.stringify({ token }),
      headers: json,
    });
    const cookie = reply.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const open = (headers: Record<string, string>) => fetch(`${service.adminUrl}/api/events`, { headers });
    return { cookie, open, [Symbol.asyncDispose]: () => service.stop() };
  }

  it('ends with the session that let it in, and comes back to a closed door', async () => {
    await using stage = await start({ consoleSessionMs: 1_000, eventStreamKeepAliveMs: 10 });
    const events = readEvents(await stage.open({ cookie: stage.cookie }));
    assert.ok((await events.rest()).length >= 3);
    assert.equal((await stage.open({ cookie: stage.cookie })).status, 401);
  });

  it('goes on for whoever has the token', async () => {
    await using stage = await start({ consoleSessionMs: 1_000, eventStreamKeepAliveMs: 10 });
    const events = readEvents(await stage.open({ authorization: `Bearer ${token}`, cookie: stage.cookie }));
    await readEvents(await stage.open({ cookie: stage.cookie })).rest();
    assert.equal((await events.take(3)).length, 3);
    const ended = await Promise.race([events.rest().then(() => true), turn().then(() => false)]);
    assert.equal(ended, false);
    await events.leave();
  });
});

describe('guesses at the login', async () => {
  const service = await startService({ config: { admin, limits: { wrongTokensPerMinuteMax: 3 } } });
  after(() => service.stop());
  const login = (sent: string) =>
    fetch(`${service.adminUrl}/api/session`, {
      method: 'POST',
      body: JSON.stringify({ token: sent }),
      headers: json,
    });
  const bearer = (sent: string) =>
    fetch(`${service.adminUrl}/api/console`, { headers: { authorization: `Bearer ${sent}` } });

  it('are slowed down, whoever makes them; those who know the token are not', async () => {
    // A scraper with an old token locks nobody out.
    for (let i = 0; i < 3; i += 1) assert.equal((await bearer('wrong')).status, 401);
    assert.equal((await bearer('wrong')).status, 429);
    const session = (await login(token)).headers.getSetCookie()[0]?.split(';')[0] ?? '';
    for (let i = 0; i < 3; i += 1)
      assert.deepEqual(await errorOf(await login('wrong')), [401, 'unauthorized']);
    for (const sent of ['wrong', token]) {
      const reply = await login(sent);
      assert.match(reply.headers.get('retry-after') ?? '', /^([1-9]|[1-5]\d|60)$/);
      assert.deepEqual(reply.headers.getSetCookie(), []);
      assert.deepEqual(await errorOf(reply), [429, 'too_many_wrong_tokens']);
    }
    assert.equal((await bearer(token)).status, 200);
    const { status } = await fetch(`${service.adminUrl}/api/console`, { headers: { cookie: session } });
    assert.equal(status, 200);
  });
});

describe('without a token', async () => {
  const service = await startService();
  after(() => service.stop());

  it('there is nothing to log in to, and a cookie is no session', async () => {
    const reply = await fetch(`${service.adminUrl}/api/session`, {
      method: 'POST',
      body: JSON.stringify({ token }),
      headers: json,
    });
    assert.deepEqual(await errorOf(reply), [404, 'resource_unknown']);
    const cookie = `sightline-session-${new URL(service.adminUrl).port}=1.x`;
    const info = await fetch(`${service.adminUrl}/api/console`, { headers: { cookie } });
    assert.equal(((await info.json()) as { hasSession: boolean }).hasSession, false);
  });
});

it('holds for a working day', () => {
  assert.equal(defaultLimits.consoleSessionMs, 12 * 60 * 60 * 1_000);
});
