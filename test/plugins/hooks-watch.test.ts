import assert from 'node:assert/strict';
import { it } from 'node:test';
import { exchange, fieldOf, startRawServer } from '../support/raw-http.ts';
import { PluginFolder, startWithFolder } from './folder.ts';

it('hooks alter nothing: not the query, the reply, telemetry, nor what other hooks get', async () => {
  await using folder = await PluginFolder.create();
  // As plain JavaScript, where no type forbids it. Each is tried, and none may fail the exchange.
  await folder.savePlugin(
    'meddler',
    `
    const meddle = (point: any, callback: (payload: any) => void) => registerHook(point, callback as never, { priority: 90 });
    meddle('exchange.started', ({ exchange }) => { exchange.request.headers.push('x-head', '1'); });
    meddle('exchange.started', ({ exchange }) => { exchange.request.target = '/elsewhere'; });
    meddle('exchange.started', (payload) => { payload.exchange = undefined; });
    meddle('query.ready', ({ query }) => { query.headers.push('x-query', '1'); });
    meddle('reply.head', ({ headers }) => { headers.push('x-reply', '1'); });
    meddle('attempt.started', ({ attempt }) => { attempt.status = 599; });
    meddle('attempt.ended', ({ attempt }) => { attempt.outcome = 'failed'; });
    registerHook('exchange.started', ({ exchange }) => { exchange.setAttribute('watched', true); });`,
  );
  let received = '';
  await using upstream = await startRawServer(async (connection) => {
    received = JSON.stringify(await connection.request());
    await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
  });
  await using service = await startWithFolder(folder, { upstreams: { default: upstream.url } as never });
  const reply = await exchange(service.dataUrl, { target: '/x' });
  assert.equal(fieldOf(reply, 'x-reply'), undefined);
  assert.doesNotMatch(received, /x-head|x-query|elsewhere/);
  const spans = service.telemetry.traces.get(String(service.telemetry.traces.list(1)[0]?.traceId))?.spans;
  const [client] = spans?.filter((span) => span.kind === 'CLIENT') ?? [];
  const [server] = spans?.filter((span) => span.kind === 'SERVER') ?? [];
  assert.equal(client?.attributes['http.response.status_code'], 200);
  assert.equal(server?.attributes['sightline.outcome'], 'completed');
  assert.equal(server?.attributes['sightline.tag.watched'], true);
});
