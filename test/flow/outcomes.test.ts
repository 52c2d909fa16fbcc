import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Service } from '../../src/service.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { attribute } from '../../src/telemetry/names.ts';
import { readToEnd, readUntil, sendChat as send } from '../support/chat-client.ts';
import { Endings } from '../support/endings.ts';
import { startOtlpSink } from '../support/otlp-sink.ts';
import { startService } from '../support/service.ts';

/** An upstream that does to each request what the test says. */
async function startUpstream(handle: http.RequestListener) {
  const server = http.createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}

const outcomeOnSpans = (service: Service, traceId: string | undefined) =>
  service.telemetry.traces
    .get(traceId ?? '')
    ?.spans.map((span) => [span.kind, span.attributes[attribute.outcome]]);

describe('an exchange that is cut off', () => {
  let simulator: Simulator;
  let service: Service;
  let endings: Endings;

  before(async () => {
    simulator = await startSimulator({ timeToFirstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY });
    service = await startService({
      config: {
        upstreams: { default: simulator.url },
        limits: { replyHeadTimeoutMs: 1_500, replyIdleTimeoutMs: 1_500, clientStallTimeoutMs: 300 },
      },
    });
    endings = new Endings(service);
  });

  after(async () => {
    await service.stop();
    await simulator.close();
  });

  it('by its client in the middle of a stream is client_aborted, and the upstream is cancelled at once', async () => {
    const { request, head } = send(service, 'left', 'sim-stall-3');
    await readUntil(await head, '"content"');
    request.destroy();
    const ended = await endings.of('left');
    assert.equal(ended.outcome, 'client_aborted');
    assert.deepEqual(outcomeOnSpans(service, ended.traceId), [
      ['SERVER', 'client_aborted'],
      ['CLIENT', 'client_aborted'],
    ]);
    const entry = await simulator.journal.waitFor(({ requestId }) => requestId === 'left');
    assert.equal(entry.terminalSent, false);
  });

  it('by its client before any reply is client_aborted, and the upstream is cancelled at once', async () => {
    const { request } = send(service, 'left-early', 'sim-no-head');
    await simulator.journal.waitForReceived(({ requestId }) => requestId === 'left-early');
    request.destroy();
    assert.equal((await endings.of('left-early')).outcome, 'client_aborted');
    await simulator.journal.waitFor(({ requestId }) => requestId === 'left-early');
  });

  it('by its client in the middle of its own body is client_aborted, and no upstream hears of it', async () => {
    const request = http.request(`${service.dataUrl}/v1/chat/completions`, {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json',
        'content-length': 1_000,
        'x-request-id': 'left-uploading',
      },
    });
    request.on('error', () => undefined);
    const started = new Promise((resolve) => service.hooks.registerHook('exchange.started', resolve));
    request.write('{"model":');
    await started;
    request.destroy();
    const ended = await endings.of('left-uploading');
    assert.equal(ended.outcome, 'client_aborted');
    assert.equal(ended.attempts, 0);
  });

  it('by its client after the terminal event is completed: SDKs do that', async () => {
    await using upstream = await startUpstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"id":"1","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n');
    });
    await using other = await startService({ config: { upstreams: { default: upstream.url } } });
    const watched = new Endings(other);
    const { request, head } = send(other, 'done', 'any');
    await readUntil(await head, '[DONE]');
    request.destroy();
    assert.equal((await watched.of('done')).outcome, 'completed');
  });

  it('by its upstream in the middle of a stream is upstream_truncated, and its client sees no clean end', async () => {
    const { head } = send(service, 'killed', 'sim-stall-3');
    const response = await head;
    const read = await readUntil(response, '"content"');
    simulator.killConnections();
    const rest = await readToEnd(response);
    assert.equal(rest.isClean, false);
    assert.match(read, /^data: /);
    const ended = await endings.of('killed');
    assert.equal(ended.outcome, 'upstream_truncated');
    assert.equal(ended.status, 200);
  });

  it('by its upstream in the middle of a whole reply is upstream_truncated, with what came before it', async () => {
    const { head } = send(service, 'killed-whole', 'sim-truncate', false);
    const { text, isClean } = await readToEnd(await head);
    assert.equal(isClean, false);
    assert.match(text, /^\{/);
    assert.equal((await endings.of('killed-whole')).outcome, 'upstream_truncated');
  });

  it('by its upstream after the terminal event is completed: everything had been said', async () => {
    await using upstream = await startUpstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: [DONE]\n\n', () => response.socket?.destroy());
    });
    await using other = await startService({ config: { upstreams: { default: upstream.url } } });
    const watched = new Endings(other);
    const { head } = send(other, 'said', 'any');
    const { text } = await readToEnd(await head);
    assert.equal(text, 'data: [DONE]\n\n');
    assert.equal((await watched.of('said')).outcome, 'completed');
  });

  it('by its upstream before any reply is upstream_unreachable, with an error that says so', async () => {
    const { head } = send(service, 'closed', 'sim-close');
    const response = await head;
    const { text, isClean } = await readToEnd(response);
    assert.equal(response.statusCode, 502);
    assert.ok(isClean);
    const ended = await endings.of('closed');
    assert.equal(ended.outcome, 'upstream_unreachable');
    const { error } = JSON.parse(text);
    assert.equal(error.code, 'upstream_closed');
    assert.equal(error.trace_id, ended.traceId);
  });

  it('by our idle timeout is timed_out, and its client sees no clean end', async () => {
    const { head } = send(service, 'silent', 'sim-stall-2');
    const { isClean } = await readToEnd(await head);
    assert.equal(isClean, false);
    assert.equal((await endings.of('silent')).outcome, 'timed_out');
  });

  it('by our timeout for the head is timed_out with 504', async () => {
    const { head } = send(service, 'headless', 'sim-no-head');
    assert.equal((await head).statusCode, 504);
    (await head).resume();
    assert.equal((await endings.of('headless')).outcome, 'timed_out');
  });

  it('because its client stopped reading is client_aborted, and holds neither client nor upstream', async () => {
    const body = JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello!' }] });
    const request = http.request(`${service.dataUrl}/v1/chat/completions`, {
      method: 'POST',
      agent: false,
      headers: { 'x-request-id': 'stalled', 'x-simulator-size': String(15 * 1024 * 1024) },
    });
    request.on('error', () => undefined);
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.on('error', () => undefined);
    response.pause();
    const ended = await endings.of('stalled');
    assert.equal(ended.outcome, 'client_aborted');
    await simulator.journal.waitFor(({ requestId }) => requestId === 'stalled');
    response.destroy();
  });

  it('by nothing, because only the collector died, is completed', async () => {
    const sink = await startOtlpSink();
    await using other = await startService({
      config: { upstreams: { default: simulator.url } },
      otel: {
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        OTEL_BSP_SCHEDULE_DELAY: '10',
        OTEL_EXPORTER_OTLP_TIMEOUT: '200',
      },
    });
    const watched = new Endings(other);
    const { head } = send(other, 'unwatched', 'sim-slow-token-20');
    const response = await head;
    const begun = await readUntil(response, '"content"');
    await sink.close();
    const { text, isClean } = await readToEnd(response);
    assert.ok(isClean);
    assert.match(begun + text, /\[DONE\]/);
    assert.equal((await watched.of('unwatched')).outcome, 'completed');
  });

  it('ends exactly once, whatever happened', () => {
    const ids = endings.all.map((exchange) => exchange.id);
    assert.equal(ids.length, new Set(ids).size);
    assert.equal(service.inFlight.size, 0);
  });
});

describe('a service that stops', () => {
  it('lets exchanges in flight end, and takes no new connection', async () => {
    await using upstream = await startUpstream((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      if (request.method === 'GET') {
        response.end();
        return;
      }
      response.write('data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n');
      finish = () => response.end('data: [DONE]\n\n');
    });
    let finish = () => {};
    const service = await startService({ config: { upstreams: { default: upstream.url } } });
    const endings = new Endings(service);
    const { head } = send(service, 'last', 'any');
    const response = await head;
    await readUntil(response, 'Hi');
    const stopped = service.stop();
    await assert.rejects(fetch(`${service.dataUrl}/v1/models`), 'a new connection');
    const ready = await fetch(`${service.adminUrl}/readyz`);
    assert.equal(ready.status, 503);
    assert.equal(((await ready.json()) as { status: string }).status, 'stopping');
    finish();
    assert.deepEqual(await readToEnd(response), { text: 'data: [DONE]\n\n', isClean: true });
    await stopped;
    assert.equal((await endings.of('last')).outcome, 'completed');
  });

  it('cuts off at its deadline what does not end, and says so to the client', async () => {
    const simulator = await startSimulator({
      timeToFirstTokenMs: 0,
      tokensPerSecond: Number.POSITIVE_INFINITY,
    });
    const service = await startService({
      config: { upstreams: { default: simulator.url }, limits: { drainTimeoutMs: 50 } },
    });
    const endings = new Endings(service);
    const stream = send(service, 'endless', 'sim-stall-2');
    const response = await stream.head;
    await readUntil(response, '"content"');
    const waiting = send(service, 'waiting', 'sim-no-head');
    await simulator.journal.waitForReceived(({ requestId }) => requestId === 'waiting');
    await service.stop();
    assert.equal((await readToEnd(response)).isClean, false);
    assert.equal((await waiting.head).statusCode, 503);
    assert.equal((await endings.of('endless')).outcome, 'failed');
    assert.equal((await endings.of('waiting')).outcome, 'failed');
    await simulator.close();
  });

  it('may be stopped twice', async () => {
    const service = await startService();
    await Promise.all([service.stop(), service.stop()]);
    await service.stop();
  });
});
