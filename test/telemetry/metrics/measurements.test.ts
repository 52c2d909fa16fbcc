import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { SightlineError } from '../../../src/errors.ts';
import { outcomes } from '../../../src/exchange/outcome.ts';
import type { Middleware } from '../../../src/middleware/middleware.ts';
import { readUntil, sendChat } from '../../support/chat-client.ts';
import { CapturedLog } from '../logs/captured-log.ts';
import { type Page, total } from '../prometheus-text.ts';
import { only, startStage, until } from '../stage.ts';

const http_ = 'http_server_request_duration_seconds';
const operation = 'gen_ai_client_operation_duration_seconds';
const firstChunk = 'gen_ai_client_operation_time_to_first_chunk_seconds';
const perChunk = 'gen_ai_client_operation_time_per_output_chunk_seconds';
const overhead = 'sightline_overhead_duration_seconds';
const middlewareDuration = 'sightline_middleware_duration_seconds';

const count = (page: Page, name: string, labels = {}) => total(page, `${name}_count`, labels);
const sum = (page: Page, name: string, labels = {}) => total(page, `${name}_sum`, labels);

/** A stream whose end is the test's to say. */
async function startHeldStream() {
  const held = Promise.withResolvers<http.ServerResponse>();
  const delta = { choices: [{ index: 0, delta: { content: 'first' }, finish_reason: null }] };
  const server = http.createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${JSON.stringify({ id: 'c', model: 'm', ...delta })}\n\n`);
    held.resolve(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async release() {
      (await held.promise).end('data: [DONE]\n\n');
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe('durations', () => {
  test('end with the stream and not with its head', async () => {
    await using held = await startHeldStream();
    await using stage = await startStage({ upstreams: { held: held.url } });
    const { head } = sendChat(stage.service, 'held', 'm', true, '/held/v1/chat/completions');
    const response = await head;
    await readUntil(response, 'first');

    const before = await stage.page();
    for (const name of [http_, operation, firstChunk, overhead]) assert.equal(count(before, name), 0, name);
    assert.equal(total(before, 'http_server_active_requests'), 1);
    // The stream is open from here to its release, and for longer than its first chunk took.
    const seenAt = performance.now();
    await until('it was open for some time', () => performance.now() > seenAt + 20);
    await held.release();
    await readUntil(response, '[DONE]');
    await stage.service.inFlight.empty();

    const after = await stage.page();
    for (const name of [http_, operation, firstChunk, overhead]) assert.equal(count(after, name), 1, name);
    assert.equal(total(after, 'http_server_active_requests'), 0);
    for (const name of [http_, operation]) assert.ok(sum(after, name) >= sum(after, firstChunk) + 0.02, name);
  });

  test('are those of the spans', async () => {
    await using stage = await startStage();
    const { server, clients } = await stage.spansOf((await stage.chat({ stream: true })).id);
    const page = await stage.page();
    const near = (a: number, b: number | undefined) =>
      assert.ok(Math.abs(a - (b ?? 0)) < 1e-5, `${a} is ${b}`);
    near(sum(page, http_), (server.endMs - server.startMs) / 1000);
    const [client] = clients;
    assert.ok(client);
    near(sum(page, operation), (client.endMs - client.startMs) / 1000);
    near(sum(page, firstChunk), Number(client.attributes['gen_ai.response.time_to_first_chunk']));
    near(sum(page, overhead), Number(server.attributes['sightline.overhead']));
  });

  test('hold our own share, which is some and not all of it', async () => {
    await using stage = await startStage();
    for (let i = 0; i < 10; i += 1) await stage.chat({ stream: i % 2 === 0 });
    const page = await stage.page();
    assert.equal(count(page, overhead), 10);
    assert.ok(sum(page, overhead) > 0);
    assert.ok(sum(page, overhead) < sum(page, http_));
  });
});

describe('what a reply says', () => {
  test('is counted as the backend counts it: output events and tokens', async () => {
    await using stage = await startStage();
    const api: Record<string, Record<string, unknown>> = {
      '/v1/chat/completions': {
        stream_options: { include_usage: true },
        messages: [{ role: 'user', content: 'Hi' }],
      },
      '/v1/responses': { input: 'Hi' },
      '/anthropic/v1/messages': { max_tokens: 40, messages: [{ role: 'user', content: 'Hi' }] },
    };
    for (const model of [
      'gpt-4o',
      'sim-tokens-1',
      'sim-tokens-7',
      'sim-truncate-4',
      'sim-gzip',
      'sim-crlf',
    ]) {
      for (const [path, query] of Object.entries(api)) {
        for (const stream of [true, false]) await stage.query({ model, stream, ...query }, { path });
      }
    }
    const entries = await stage.simulator.journal.settled();
    const streams = entries.filter(({ outputEvents }) => outputEvents > 0);
    const page = await stage.page();
    assert.equal(count(page, operation), 36);
    assert.equal(count(page, firstChunk), streams.length);
    assert.equal(
      count(page, perChunk),
      streams.reduce((all, { outputEvents }) => all + outputEvents - 1, 0),
    );
    for (const type of ['input', 'output'] as const) {
      const truth = entries.reduce((all, { tokens, stream, fault }) => {
        // A whole reply that broke off cannot be read.
        return all + (fault === 'sim-truncate' && !stream ? 0 : (tokens[type] ?? 0));
      }, 0);
      assert.equal(sum(page, 'gen_ai_client_token_usage', { gen_ai_token_type: type }), truth, type);
    }
  });

  test('is kept up to a bound, and the rest is counted', async () => {
    await using stage = await startStage({ config: { limits: { chunkGapsMax: 5 } } });
    await stage.chat({ model: 'sim-tokens-20', stream: true });
    const [entry] = await stage.simulator.journal.settled();
    const page = await stage.page();
    assert.equal(count(page, perChunk), 5);
    const dropped = total(page, 'sightline_telemetry_dropped_total', { sightline_signal: 'chunk_times' });
    assert.equal(dropped, (entry?.outputEvents ?? 0) - 1 - 5);
  });

  test('of a stream that broke off is what the backend had counted by then, everywhere the same', async () => {
    const stdout = new CapturedLog();
    await using stage = await startStage({ stdout });
    const path = '/anthropic/v1/messages';
    const query = { stream: true, max_tokens: 40, messages: [{ role: 'user', content: 'Hi' }] };
    const { id } = await stage.query({ ...query, model: 'sim-truncate-4' }, { path });
    const { clients } = await stage.spansOf(id);
    const [entry] = await stage.simulator.journal.settled();
    const row = only(stage.service.telemetry.recent.rows);
    const page = await stage.page();
    const tokens = (type: string) => count(page, 'gen_ai_client_token_usage', { gen_ai_token_type: type });
    const [span, line] = [only(clients).attributes, only(stdout.of(id))];
    assert.equal(span['gen_ai.usage.input_tokens'], entry?.tokens.input);
    assert.equal(line['gen_ai.usage.input_tokens'], entry?.tokens.input);
    assert.equal(row.inputTokens, entry?.tokens.input);
    assert.equal(tokens('input'), 1);
    assert.equal(entry?.usage.output_tokens, 1, 'said before there was any output');
    const told = [span['gen_ai.usage.output_tokens'], line['gen_ai.usage.output_tokens'], row.outputTokens];
    assert.deepEqual(told, [undefined, undefined, undefined]);
    assert.match(String(line.msg), /upstream_truncated 200, \d+ tokens in, /);
    assert.equal(tokens('output'), 0);
  });

  test('has no labels of tokens where the backend reports none', async () => {
    await using stage = await startStage();
    await stage.chat({ stream: true });
    assert.equal(count(await stage.page(), 'gen_ai_client_token_usage'), 0);
  });
});

test('every outcome is counted once, and leaves nothing active', async () => {
  const gate: Middleware = {
    name: 'gate',
    beforeQuery(_query, exchange) {
      if (exchange.header('x-gate') === 'closed') throw new SightlineError('blocked');
      if (exchange.header('x-gate') === 'broken') throw new Error('broken');
    },
  };
  await using stage = await startStage({
    config: { limits: { replyIdleTimeoutMs: 1_000, replyHeadTimeoutMs: 1_000 } },
    middleware: [gate],
  });
  await stage.chat();
  await stage.chat({ stream: true });
  await stage.chat({ model: 'sim-status-500' });
  await stage.chat({ model: 'sim-truncate-2', stream: true });
  await stage.chat({ model: 'sim-close' });
  await stage.chat({ model: 'sim-no-head' });
  await stage.chat({ model: 'sim-stall-2', stream: true });
  await stage.chat({}, { 'x-gate': 'closed' });
  await stage.chat({}, { 'x-gate': 'broken' });
  const { request, head } = sendChat(stage.service, 'hung-up', 'sim-slow-token-60000');
  await head;
  assert.equal(total(await stage.page(), 'http_server_active_requests'), 1);
  request.destroy();
  await stage.service.inFlight.empty();

  const page = await stage.page();
  const counted = page.get('sightline_exchange_outcomes_total')?.samples ?? [];
  // Upstreams that got nothing are told as well, as 0.
  const ofDefault = counted.filter(
    ({ labels }) => labels.sightline_upstream === 'default' && labels.sightline_fault === undefined,
  );
  const expected = {
    completed: 2,
    upstream_error: 1,
    upstream_truncated: 1,
    upstream_unreachable: 1,
    timed_out: 2,
    blocked: 1,
    failed: 1,
    client_aborted: 1,
  };
  assert.deepEqual(
    Object.fromEntries(ofDefault.map((one) => [one.labels.sightline_outcome, one.value])),
    expected,
  );
  assert.equal(total(page, 'sightline_exchange_outcomes_total'), 10);
  for (const [outcome, value] of Object.entries(expected))
    assert.equal(count(page, http_, { sightline_outcome: outcome }), value, outcome);
  // Two never had an attempt.
  assert.equal(count(page, operation), 8);
  const active = page.get('http_server_active_requests')?.samples ?? [];
  assert.ok(active.length > 0);
  assert.deepEqual(new Set(active.map(({ value }) => value)), new Set([0]));
});

test('middleware is measured by phase: what it took, and where it failed', async () => {
  const busyMs = 3;
  const work = () => {
    const end = performance.now() + busyMs;
    while (performance.now() < end);
  };
  const busy: Middleware = {
    name: 'busy',
    onFailure: 'continue',
    beforeQuery: work,
    onChunk: () => undefined,
    async afterResponse() {
      throw new Error('broken');
    },
  };
  await using stage = await startStage({ middleware: [busy] });
  await stage.chat({ stream: true });
  await stage.chat();
  const page = await stage.page();
  const of = (phase: string) => ({ sightline_middleware: 'busy', sightline_phase: phase });
  assert.equal(count(page, middlewareDuration, of('before_query')), 2);
  assert.equal(count(page, middlewareDuration, of('on_chunk')), 1, 'all chunks of a stream are one');
  const failed = { ...of('after_response'), error_type: 'middleware_failed' };
  await until('both were left', async () => count(await stage.page(), middlewareDuration, failed) === 2);
  assert.ok(sum(page, middlewareDuration, of('before_query')) >= (2 * busyMs) / 1000);
  assert.ok(sum(page, overhead) >= (2 * busyMs) / 1000, 'and is a part of our share');
});

test("an upstream's errors are told apart by whose mistake they are", async () => {
  await using stage = await startStage();
  for (const status of [400, 401, 404, 408, 425, 429, 500])
    await stage.chat({ model: `sim-status-${status}` });
  const page = await stage.page();
  const errors = { sightline_outcome: 'upstream_error', sightline_upstream: 'default' };
  const counted = (labels: object) =>
    total(page, 'sightline_exchange_outcomes_total', { ...errors, ...labels });
  assert.equal(counted({}), 7);
  assert.equal(counted({ sightline_fault: 'client' }), 3);
});

test('hook callbacks that fail are counted by who they belong to', async () => {
  await using stage = await startStage();
  const fail = () => {
    throw new Error('broken');
  };
  stage.service.hooks.registerHook('reply.head', fail, { owner: 'a-plugin' });
  await stage.chat();
  const labels = {
    sightline_hook_point: 'reply.head',
    sightline_hook_owner: 'a-plugin',
    sightline_hook_failure: 'threw',
  };
  assert.equal(total(await stage.page(), 'sightline_hook_errors_total', labels), 1);
});

test('what is counted by a closed list has its series from the start', async () => {
  await using stage = await startStage({
    config: { alerts: { webhooks: [{ url: 'http://127.0.0.1:9/' }] } },
  });
  const page = await stage.page();
  const shown = (name: string) =>
    page.get(name)?.samples.map(({ labels, value }) => [...Object.values(labels), value].join(' '));
  const ended = Object.keys(outcomes);
  assert.deepEqual(shown('sightline_exchange_outcomes_total'), [
    ...ended.map((outcome) => `${outcome} 0`),
    ...ended.map((outcome) => `${outcome} default 0`),
    ...ended.map((outcome) => `${outcome} anthropic 0`),
    'client upstream_error default 0',
    'client upstream_error anthropic 0',
  ]);
  assert.deepEqual(shown('sightline_listener_rejections_total'), [
    'headers_too_large 0',
    'request_timeout 0',
    'malformed_request 0',
    'too_many_pipelined 0',
  ]);
  assert.deepEqual(shown('sightline_alert_notifications_total'), [
    'webhook sent 0',
    'webhook failed 0',
    'webhook dropped 0',
  ]);
});
