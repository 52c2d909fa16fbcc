import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cost, PipelineView } from '../../../src/admin/api/pipeline.ts';
import { costsOf, fineDuration } from '../../../src/console/page/plugins/cost.ts';

function cost(calls: number, totalMs: number, errors = 0): Cost {
  return { calls, totalMs, errors };
}

const pipeline: PipelineView = {
  generation: 3,
  exchanges: 1_000,
  middleware: [
    { name: 'request-tags', onFailure: 'fail', phases: [{ phase: 'before_query', cost: cost(100, 10) }] },
    {
      name: 'guardrail',
      plugin: 'guardrail',
      priority: 50,
      onFailure: 'fail',
      breaker: 'half_open',
      phases: [
        { phase: 'before_query', cost: cost(50, 20) },
        { phase: 'on_chunk', cost: cost(20, 40, 2) },
        { phase: 'on_error' },
      ],
    },
  ],
  hooks: [
    {
      point: 'exchange.ended',
      callbacks: [
        { owner: 'guardrail', plugin: 'guardrail', priority: 60, breaker: 'closed', cost: cost(50, 10) },
        { owner: 'meter', plugin: 'meter', priority: 50, breaker: 'closed', cost: cost(200, 20, 1) },
        { owner: 'meter', plugin: 'meter', priority: 40, breaker: 'closed', cost: cost(200, 20, 1) },
        { owner: 'service', priority: 50 },
      ],
    },
  ],
};

describe('what each plugin costs', () => {
  const costs = costsOf(pipeline);

  it('is told of the most costly first, with middleware and hooks together', () => {
    assert.deepEqual(
      costs.map(({ name, middlewareMs, hooksMs, share }) => ({ name, middlewareMs, hooksMs, share })),
      [
        { name: 'guardrail', middlewareMs: 60, hooksMs: 10, share: 0.7 },
        { name: 'meter', middlewareMs: 0, hooksMs: 20, share: 0.2 },
        { name: 'request-tags', middlewareMs: 10, hooksMs: 0, share: 0.1 },
        { name: 'service', middlewareMs: 0, hooksMs: 0, share: 0 },
      ],
    );
  });

  it('is what it takes of one exchange', () => {
    assert.deepEqual(
      costs.map(({ perExchangeMs }) => perExchangeMs),
      [70 / 50, 20 / 200, 10 / 100, undefined],
    );
  });

  it('is no less of an exchange where messages of sessions make many more calls than there were exchanges', () => {
    const [{ perExchangeMs } = {}] = costsOf({ ...pipeline, exchanges: 35 });
    assert.equal(perExchangeMs, 70 / 35);
    // The first is still under way.
    assert.equal(costsOf({ ...pipeline, exchanges: 0 })[0]?.perExchangeMs, 70);
  });

  it('comes with its errors and with a breaker that is not closed', () => {
    assert.deepEqual(
      costs.map(({ name, errors, isBroken }) => [name, errors, isBroken]),
      [
        ['guardrail', 2, true],
        ['meter', 1, false],
        ['request-tags', 0, false],
        ['service', 0, false],
      ],
    );
  });

  it('says whose it is where no plugin brought it', () => {
    assert.equal(costs.find(({ name }) => name === 'request-tags')?.plugin, undefined);
    assert.equal(costs.find(({ name }) => name === 'meter')?.plugin, 'meter');
  });

  it('is no division by nothing where nothing has run', () => {
    const idle = {
      ...pipeline,
      hooks: [],
      middleware: [{ name: 'a', onFailure: 'fail', phases: [{ phase: 'before_query' }] }],
    } as const;
    assert.deepEqual(
      costsOf(idle).map(({ share, perExchangeMs }) => [share, perExchangeMs]),
      [[0, undefined]],
    );
  });
});

describe('a very short time', () => {
  it('is told in microseconds', () => {
    const shown = [0.00001, 0.0042, 0.042, 0.0994, 0.0995, 1.7, 0, undefined].map(fineDuration);
    assert.deepEqual(
      shown.map((text) => text.replace('\u00a0', ' ')),
      ['<0.1 µs', '4.2 µs', '42 µs', '99 µs', '0.1 ms', '1.7 ms', '0 ms', '–'],
    );
  });
});
