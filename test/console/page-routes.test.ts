import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { after, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import express from 'express';
import type { Page } from '../../src/console/page.ts';
import { servable } from '../../src/console/page-file.ts';
import { pageRoutes } from '../../src/console/page-routes.ts';
import { startService } from '../support/service.ts';

const html = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

/** As it is on the wire: `fetch` would tidy up paths, and unzip. */
async function ask(url: string, path: string, headers: http.OutgoingHttpHeaders = {}, method = 'GET') {
  const { hostname, port } = new URL(url);
  const request = http.request({ hostname, port, path, method, headers, agent: false }).end();
  const [reply] = (await once(request, 'response')) as [http.IncomingMessage];
  const { date, connection, ...told } = reply.headers;
  return { status: reply.statusCode, headers: told, body: await buffer(reply) };
}

/** Of everything that the page is made of. */
const guards = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** What is served of a page that does not change meanwhile. */
async function serve(page: Page, logged: string[] = []): Promise<string> {
  const log = { error: (_facts: object, text: string) => logged.push(text) };
  const app = express()
    .disable('x-powered-by')
    .disable('etag')
    .use(pageRoutes({ log, page }))
    .use((_request, response) => {
      response.status(404).json({});
    });
  const server = app.listen(0, '127.0.0.1');
  after(() => server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the page of the console', async () => {
  const files = await servable(
    new Map(
      Object.entries({
        'index.html': '<title>Sightline</title>',
        'console.js': `document.title = '${'Sightline '.repeat(500)}';`,
        'console.css': '* { color: red }'.repeat(500),
        'icon.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
      }).map(([name, text]) => [name, Buffer.from(text)]),
    ),
  );
  const url = await serve({ files: () => Promise.resolve(files) });
  const fileOf = (name: string) => {
    const file = files.get(name);
    assert.ok(file, name);
    return file;
  };

  it('is what a browser gets at the admin address', async () => {
    const { status, headers, body } = await ask(url, '/', { accept: html });
    const { etag, bytes } = fileOf('index.html');
    assert.equal(status, 200);
    assert.deepEqual(headers, {
      ...guards,
      'cache-control': 'no-cache',
      'content-length': String(bytes.length),
      'content-type': 'text/html; charset=utf-8',
      etag,
      vary: 'accept, accept-encoding',
    });
    assert.match(String(body), /<title>Sightline<\/title>/);
  });

  const types = {
    'console.js': 'text/javascript; charset=utf-8',
    'console.css': 'text/css; charset=utf-8',
    'icon.svg': 'image/svg+xml',
  };
  for (const [name, type] of Object.entries(types)) {
    it(`has ${name}, zipped for whoever takes that`, async () => {
      const { bytes, zipped, etag } = fileOf(name);
      const expected = {
        ...guards,
        'cache-control': 'no-cache',
        'content-type': type,
        etag,
        vary: 'accept-encoding',
      };
      for (const encoding of [undefined, 'identity', 'gzip;q=0', 'br']) {
        const sent = encoding === undefined ? {} : { 'accept-encoding': encoding };
        const plain = await ask(url, `/${name}`, sent);
        assert.deepEqual(plain.headers, { ...expected, 'content-length': String(bytes.length) }, encoding);
        assert.ok(plain.body.equals(bytes));
      }
      const short = await ask(url, `/${name}`, { 'accept-encoding': 'gzip, deflate, br, zstd' });
      assert.deepEqual(short.headers, {
        ...expected,
        'content-encoding': 'gzip',
        'content-length': String(zipped?.length),
      });
      assert.ok(gunzipSync(short.body).equals(bytes));
    });
  }

  it('is not sent again to whoever has it', async () => {
    for (const [path, name] of [['/', 'index.html'] as const, ['/console.js', 'console.js'] as const]) {
      const { etag } = fileOf(name);
      for (const sent of [etag, etag.slice(2), `"other", ${etag}`]) {
        const { status, headers, body } = await ask(url, path, { accept: html, 'if-none-match': sent });
        assert.deepEqual([status, body.length, headers.etag], [304, 0, etag], sent);
        assert.equal(headers['cache-control'], 'no-cache');
        assert.equal(headers['content-length'], undefined);
      }
      assert.equal((await ask(url, path, { accept: html, 'if-none-match': 'W/"other"' })).status, 200);
    }
  });

  it('tells with HEAD what it would be', async () => {
    for (const path of ['/', '/console.js', '/console.css', '/icon.svg']) {
      const headers = { accept: html, 'accept-encoding': 'gzip' };
      const whole = await ask(url, path, headers);
      const { status, headers: told, body } = await ask(url, path, headers, 'HEAD');
      assert.deepEqual([status, told, body.length], [200, whole.headers, 0], path);
    }
  });

  for (const path of [
    '/index.html',
    '/main.tsx',
    '/page/main.tsx',
    '/console.js/',
    '/CONSOLE.JS',
    '/console.js%00',
    '/console.js.gz',
    '/../package.json',
    '/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/package.json',
    '/....//package.json',
    '//console.js',
    '/icon.svg/../main.tsx',
    '/__proto__',
    '/constructor',
    '/state/api.ts',
  ]) {
    it(`has nothing at ${path}`, async () => {
      const { status, headers } = await ask(url, path, { accept: html });
      assert.equal(status, 404);
      assert.match(headers['content-type'] ?? '', /^application\/json/);
    });
  }

  it('is only read', async () => {
    for (const path of ['/', '/console.js'])
      for (const method of ['POST', 'PUT', 'DELETE'])
        assert.equal((await ask(url, path, { accept: html }, method)).status, 404, `${method} ${path}`);
  });
});

describe('the page of a service', async () => {
  const service = await startService();
  after(() => service.stop());
  const { adminUrl } = service;

  it('is what a browser gets at the admin address', async () => {
    const { status, headers, body } = await ask(adminUrl, '/', { accept: html });
    assert.deepEqual([status, headers['content-type']], [200, 'text/html; charset=utf-8']);
    assert.match(String(body), /<title>Sightline<\/title>/);
    for (const [name, value] of Object.entries(guards)) assert.equal(headers[name], value, name);
    for (const name of ['console.js', 'console.css', 'icon.svg'])
      assert.equal((await ask(adminUrl, `/${name}`)).status, 200, name);
  });

  it('is not what a program gets there', async () => {
    for (const accept of [undefined, '*/*', 'application/json', 'text/html;q=0.5, application/json']) {
      const { status, headers, body } = await ask(adminUrl, '/', accept === undefined ? {} : { accept });
      assert.equal(status, 200);
      assert.equal(headers['content-type'], 'application/json; charset=utf-8', accept);
      assert.match(headers.vary ?? '', /^accept\b/);
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(JSON.parse(String(body)).service, 'sightline');
    }
  });

  it('is not for other names that resolve to loopback', async () => {
    for (const path of ['/', '/console.js'])
      assert.equal((await ask(adminUrl, path, { accept: html, host: 'evil.example' })).status, 403, path);
  });
});

describe('the page of a service with a token', async () => {
  const admin = { host: '127.0.0.1', port: 0, token: 'a-token-of-24-characters' };
  const { adminUrl, stop } = await startService({ config: { admin } }).then((service) => ({
    adminUrl: service.adminUrl,
    stop: () => service.stop(),
  }));
  after(stop);

  it('needs no token: it holds nothing, and asks for it', async () => {
    for (const path of ['/', '/console.js', '/console.css', '/icon.svg'])
      assert.equal((await ask(adminUrl, path, { accept: html })).status, 200, path);
  });

  it('shows nothing without it', async () => {
    assert.equal((await ask(adminUrl, '/', { accept: 'application/json' })).status, 401);
    for (const path of [
      '/metrics',
      '/api/console',
      '/api/events',
      '/api/exchanges',
      '/api/plugins',
      '/unknown',
    ])
      assert.equal((await ask(adminUrl, path, { accept: html })).status, 401, path);
  });
});

describe('a page that does not build', () => {
  it('says why, to whoever works on it and in the log', async () => {
    const logged: string[] = [];
    const url = await serve({ files: () => Promise.reject(new Error('main.tsx:1:1: <b>wrong</b>')) }, logged);
    for (const path of ['/', '/console.js']) {
      const { status, headers, body } = await ask(url, path, { accept: html });
      assert.deepEqual([status, String(body)], [500, 'main.tsx:1:1: <b>wrong</b>']);
      assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
      assert.equal(headers['content-security-policy'], guards['content-security-policy']);
    }
    assert.deepEqual(logged, Array(2).fill('the page of the console cannot be served'));
  });
});
