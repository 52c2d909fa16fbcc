import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { Random } from '../../support/random.ts';
import type { OpenMetricsPage } from '../open-metrics-text.ts';
import { samplesOf, total } from '../prometheus-text.ts';
import { type Stage, startStage } from '../stage.ts';

const limits = { labelValuesMax: 20, labelCharsMax: 64, seriesMax: 250 };
const invented = 5_000;
const concurrency = 32;

const methods = ['GET', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'MKCOL', 'M-SEARCH', 'REPORT'];
const strange = ['', 'x'.repeat(200), '"', '\\', '{le="1"}', '\u00e9', 'a,b;c', '\t', '0', 'null'];

function send(stage: Stage, random: Random, agent: Agent, n: number) {
  const headers = {
    'content-type': random.pick(['application/json', 'text/plain', 'a/b']),
    'user-agent': `agent-${n}`,
    'x-request-id': `id-${n}`,
    'x-team': random.chance(0.5) ? `team-${n}` : random.pick(strange),
    'openai-organization': `org-${n}`,
    traceparent: `00-${n}`,
    tracestate: `a=${n}`,
  };
  if (n % 2 === 0) {
    const path = random.pick([`/${n}`, `/anthropic/${n}/x`, `/v1/${n}?a=${n}`, `/%${n}`, `/v1/models/${n}`]);
    return stage.send(path, { agent, method: random.pick(methods), headers });
  }
  const model = random.pick([`m-${n}`, `m-${n}`, `sim-status-${400 + (n % 200)}`, `${n}${'x'.repeat(100)}`]);
  const [path, more] = random.pick([
    ['/v1/chat/completions', { messages: [{ role: 'user', content: 'Hi' }] }],
    ['/v1/embeddings', { input: 'Hi' }],
    ['/anthropic/v1/messages', { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 3 }],
  ] as const);
  const body = JSON.stringify({ model, ...more });
  return stage.send(path, { agent, method: 'POST', headers }, body);
}

/** Series of each metric, a histogram's with all its buckets. */
function seriesOf(page: OpenMetricsPage): Map<string, number> {
  return new Map(
    [...page].map(([name, { samples }]) => {
      const series = samples.map(({ labels: { le: _, ...labels } }) => JSON.stringify(labels));
      return [name, new Set(series).size];
    }),
  );
}

test(`${invented} invented models and ${invented} invented paths make no more series than are allowed`, async () => {
  const tags = { team: { header: 'x-team', label: true } };
  await using stage = await startStage({
    config: { limits, middleware: [{ 'request-tags': { tags } }] },
    otel: { OTEL_TRACES_EXPORTER: 'none' },
  });
  await stage.openMetrics();
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const random = new Random(20261123);
  let n = 0;
  const worker = async () => {
    while (n < 2 * invented) {
      n += 1;
      await send(stage, random, agent, n);
      // As snapshots and scrapes do, many times a minute.
      if (n % 500 === 0) await stage.service.telemetry.page.collect();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  agent.destroy();
  await stage.service.inFlight.empty();

  const page = await stage.openMetrics();
  const series = seriesOf(page);
  for (const [name, count] of series) assert.ok(count <= limits.seriesMax, `${name} has ${count} series`);
  const values = new Map<string, Set<string>>();
  for (const { name, labels } of samplesOf(page)) {
    // Of a closed list, which is told from the start.
    if (name === 'sightline_listener_rejections_total') continue;
    for (const [label, value] of Object.entries(labels)) {
      if (label === 'le') continue;
      assert.ok(
        label.startsWith('process_') || label === 'host_name' || value.length <= limits.labelCharsMax,
        `${label} is ${value}`,
      );
      values.set(label, (values.get(label) ?? new Set()).add(value));
    }
  }
  for (const [label, some] of values)
    assert.ok(
      some.size <= limits.labelValuesMax + 1,
      `${label} has ${some.size} values: ${[...some].join(', ')}`,
    );
  for (const label of ['gen_ai_request_model', 'sightline_tag_team', 'http_response_status_code'])
    assert.ok(values.get(label)?.has('other'), `${label} was at its bound`);

  const inAll = [...series.values()].reduce((sum, count) => sum + count, 0);
  assert.ok(inAll < 4 * limits.seriesMax, `${inAll} series`);
  assert.equal(total(page, 'sightline_exchange_outcomes_total'), 2 * invented, 'none of them is lost');
  assert.equal(total(page, 'http_server_request_duration_seconds_count'), 2 * invented);
});
