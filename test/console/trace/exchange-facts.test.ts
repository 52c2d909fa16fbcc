import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExchangeLine } from '../../../src/admin/api/exchanges.ts';
import { exchangeOfSpan, exchangesOf } from '../../../src/console/page/trace/exchange-facts.ts';
import { explain, titleOf } from '../../../src/console/page/trace/explain.ts';
import { clockAhead } from '../../../src/console/page/trace/service-clock.ts';
import { attempt, event, request, running, span, trace } from './spans.ts';

const line = (facts: Partial<ExchangeLine> = {}): ExchangeLine => ({
  id: 'exchange-r',
  kind: 'request',
  spanId: 'r',
  isSampled: true,
  method: 'POST',
  path: '/v1/chat/completions',
  isStream: true,
  startedAt: '1970-01-01T00:00:01.000Z',
  durationMs: 500,
  attempts: 1,
  replyBytes: 0,
  outputChunks: 0,
  ...facts,
});

const only = (...args: Parameters<typeof exchangesOf>) => {
  const [exchange, ...rest] = exchangesOf(...args);
  assert.ok(exchange && rest.length === 0);
  return exchange;
};

const exception = (type: string, message: string) => ({
  ...event('exception', 90),
  attributes: { 'exception.type': type, 'exception.message': message },
});

describe('what a trace tells of an exchange', () => {
  test('is of its own span, and of the attempt that it ended with', () => {
    const exchange = only(
      trace([
        request('r', {
          attributes: { 'http.response.status_code': 200, 'sightline.overhead': 0.0021 },
          endMs: 1_000,
        }),
        attempt('a', 'r', { endMs: 40, attributes: { 'sightline.outcome': 'upstream_error' } }),
        attempt('b', 'r', {
          startMs: 50,
          endMs: 1_000,
          events: [event('sightline.first_chunk', 200)],
          attributes: {
            'sightline.attempt': 2,
            'sightline.upstream': 'spare',
            'gen_ai.usage.input_tokens': 12,
            'gen_ai.usage.output_tokens': 40,
            'gen_ai.usage.cache_read.input_tokens': 8,
            'gen_ai.usage.reasoning.output_tokens': 5,
          },
        }),
      ]),
      0,
    );
    const { id, kind, status, model, upstream, outcome, durationMs, firstTokenMs, overheadMs } = exchange;
    assert.deepEqual(
      { id, kind, status, model, upstream, outcome, durationMs, firstTokenMs, overheadMs },
      {
        id: 'exchange-r',
        kind: 'request',
        status: 200,
        model: 'gpt-4o',
        upstream: 'spare',
        outcome: 'completed',
        durationMs: 1_000,
        firstTokenMs: 150,
        overheadMs: 2.1,
      },
    );
    assert.deepEqual(exchange.usage, {
      input: 12,
      output: 40,
      cacheRead: 8,
      cacheCreation: undefined,
      reasoning: 5,
    });
    assert.equal(exchange.tokensPerSecond, 50);
    assert.equal(exchange.attempts.length, 2);
    assert.equal(titleOf(exchange), 'POST /v1/chat/completions');
  });

  test('is of its line where the spans do not tell yet', () => {
    const spans = [running(request('r', { startMs: 1_000, attributes: { 'sightline.outcome': undefined } }))];
    const exchange = only(
      trace(spans, { exchanges: [line({ model: 'gpt-4o', tokensPerSecond: 31, outputTokens: 9 })] }),
      1_700,
    );
    assert.equal(exchange.isRunning, true);
    assert.equal(exchange.durationMs, 700);
    assert.equal(exchange.model, 'gpt-4o');
    assert.equal(exchange.tokensPerSecond, 31);
    assert.equal(exchange.usage.output, 9);
  });

  test('is of its line alone where its spans are not kept', () => {
    const exchange = only(
      trace([], { exchanges: [line({ outcome: 'timed_out', error: 'first_byte_timeout' })] }),
      0,
    );
    assert.equal(exchange.span, undefined);
    assert.equal(exchange.startMs, 1_000);
    assert.equal(exchange.outcome, 'timed_out');
    assert.equal(exchange.error?.code, 'first_byte_timeout');
  });

  test('is of each where a trace has several, in their order', () => {
    const spans = [
      request('s', {
        attributes: {
          'sightline.session.protocol': 'openai.realtime',
          'sightline.session.usage.output_tokens': 70,
        },
      }),
      span({
        spanId: 't1',
        parentSpanId: 's',
        kind: 'CLIENT',
        startMs: 5,
        attributes: {
          'sightline.session.turn': 1,
          'sightline.exchange.id': 'turn-1',
          'sightline.outcome': 'completed',
          'gen_ai.usage.output_tokens': 70,
        },
      }),
      span({ spanId: 'm', parentSpanId: 't1', startMs: 6 }),
    ];
    const exchanges = exchangesOf(trace(spans), 0);
    assert.deepEqual(
      exchanges.map(({ kind, id, usage }) => [kind, id, usage.output]),
      [
        ['session', 'exchange-s', 70],
        ['turn', 'turn-1', 70],
      ],
    );
    assert.equal(exchangeOfSpan('m', spans, exchanges)?.id, 'turn-1');
    assert.equal(exchangeOfSpan('s', spans, exchanges)?.id, 'exchange-s');
    assert.equal(exchangeOfSpan('unknown', spans, exchanges), undefined);
  });

  test('finds no end in a circle of parents, and stops', () => {
    const spans = [span({ spanId: 'a', parentSpanId: 'b' }), span({ spanId: 'b', parentSpanId: 'a' })];
    assert.equal(exchangeOfSpan('a', spans, exchangesOf(trace(spans), 0)), undefined);
  });
});

describe('how an exchange ended, in words', () => {
  const ended = (outcome: string, ...more: Parameters<typeof trace>[0]) =>
    explain(
      only(
        trace([
          request('r', {
            attributes: { 'sightline.outcome': outcome },
            events:
              outcome === 'completed'
                ? []
                : [exception('upstream_truncated', 'The upstream broke off in the middle of its reply.')],
          }),
          ...more,
        ]),
        0,
      ),
    );

  test('is what the outcome means, and what the error said', () => {
    assert.equal(
      ended('upstream_truncated'),
      'The reply broke off before its end. The upstream broke off in the middle of its reply.',
    );
  });

  test('tells of the attempts that failed before', () => {
    const failed = attempt('a', 'r', {
      attributes: { 'sightline.outcome': 'upstream_error', 'http.response.status_code': 503 },
    });
    const last = attempt('b', 'r', { startMs: 50, attributes: { 'sightline.attempt': 2 } });
    assert.match(
      ended('completed', failed, last),
      / Attempt 1 ended with status 503 at default\. Attempt 2 succeeded\.$/,
    );
  });

  test('tells who closed a session, with which code', () => {
    const session = request('s', {
      attributes: {
        'sightline.session.protocol': 'openai.realtime',
        'sightline.session.close.code': 1000,
        'sightline.session.close.by': 'client',
        'sightline.session.close.reason': 'bye',
      },
    });
    assert.equal(explain(only(trace([session]), 0)), 'Closed by the client with 1000 (normal, “bye”).');
  });

  test('tells what is waited for while it runs', () => {
    const server = running(request('r', { attributes: { 'sightline.outcome': undefined } }));
    const waiting = running(attempt('a', 'r'));
    const streaming = { ...waiting, events: [event('sightline.first_chunk', 50)] };
    assert.equal(explain(only(trace([server]), 100)), 'It has not gone to an upstream yet.');
    assert.equal(explain(only(trace([server, waiting]), 100)), 'It waits for the first token.');
    assert.equal(explain(only(trace([server, streaming]), 100)), 'The reply streams.');
  });
});

describe("the service's clock", () => {
  test('is known from an exchange that runs', () => {
    const view = trace([], { exchanges: [line({ outcome: 'completed' }), line({ durationMs: 700 })] });
    assert.equal(clockAhead(view, 1_200), 500);
    assert.equal(clockAhead(trace([]), 1_200), undefined);
  });
});
