import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { incidentVisits } from '../../src/demo/incidents.ts';
import { planVisits } from '../../src/demo/mixture.ts';
import { Tally } from '../../src/demo/tally.ts';
import { tenants } from '../../src/demo/tenants.ts';
import { Traffic } from '../../src/demo/traffic.ts';
import type { Visit } from '../../src/demo/visit.ts';
import { outcomes as outcomeNames } from '../../src/exchange/outcome.ts';
import type { JournalEntry } from '../../src/simulator/simulator.ts';
import { type Page, parsePage, total } from '../telemetry/prometheus-text.ts';
import { atOnce, sendVisits, startDemoStage } from './stage.ts';

/** Visits about the beginning of an incident, which have everything, without those that take many seconds. */
function quickVisits(count: number): Visit[] {
  const isSlow = (visit: Visit) => /sim-slow/.test(JSON.stringify(visit));
  return planVisits({ seed: 5 })
    .drop(incidentVisits.from - 100)
    .filter((visit) => !isSlow(visit))
    .take(count)
    .toArray();
}

function questionsIn(visits: readonly Visit[]): number {
  const sizes = visits.map((visit) => {
    if (visit.over === 'stream') return visit.questions.length;
    return visit.over === 'realtime' ? visit.turns.length : 1;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe('the traffic of the demo', () => {
  it('really brings every kind to the backend, and its clients see what the service tells', async () => {
    await using stage = await startDemoStage();
    const visits = quickVisits(500);
    const tally = await sendVisits(stage.service.dataUrl, visits);
    const journal = (await stage.simulator.journal.settled()).filter(
      ({ method }) => method === 'POST' || method === 'GET',
    );
    const entries = journal.filter(({ operation }) => operation !== undefined);
    await stage.service.inFlight.empty();
    const page = parsePage(await (await fetch(`${stage.service.adminUrl}/metrics`)).text());

    for (const operation of ['openai.chat', 'openai.responses', 'anthropic.messages']) {
      for (const stream of [true, false])
        assert.ok(
          has(entries, (one) => one.operation === operation && one.stream === stream),
          operation,
        );
    }
    assert.ok(has(entries, ({ operation }) => operation === 'openai.embeddings'));
    assert.ok(has(entries, ({ operation, turn }) => operation === 'openai.realtime' && turn === 2));
    assert.ok(has(entries, ({ tokens }) => (tokens.reasoning ?? 0) > 0));
    assert.ok(has(entries, ({ tokens }) => (tokens.cacheRead ?? 0) > 0));
    assert.ok(has(entries, ({ tokens }) => (tokens.cacheCreation ?? 0) > 0));
    assert.ok(has(entries, ({ finishReasons }) => finishReasons.includes('tool_calls')));
    assert.ok(has(entries, ({ ended }) => ended === 'client_aborted'));
    assert.ok(new Set(entries.map(({ modelRequested }) => modelRequested)).size > 12);

    const sessions = (protocol: string) =>
      total(page, 'sightline_session_duration_seconds_count', { sightline_session_protocol: protocol });
    const over = (transport: Visit['over']) => visits.filter((visit) => visit.over === transport).length;
    assert.equal(sessions('stream'), over('stream'));
    assert.equal(sessions('openai.realtime'), over('realtime'));

    const planned = JSON.stringify(visits).match(/"model":"sim-/g)?.length ?? 0;
    assert.equal(entries.filter(({ fault }) => fault !== undefined).length, planned);
    assert.ok(planned > 20, `${planned} faults`);

    assert.equal(tally.total, questionsIn(visits));
    assert.equal(tally.total, outcomes(page, ...Object.keys(outcomeNames)));
    // Some leave when the service is done with their reply already.
    const left = outcomes(page, 'client_aborted');
    assert.ok(left > 0 && left <= tally.count('hung_up'), `${left} of ${tally.count('hung_up')}`);
    assert.equal(
      tally.count('refused') + tally.count('failed_midway'),
      outcomes(page, 'upstream_error', 'upstream_unreachable'),
    );
    assert.ok(tally.count('cut_off') > 0);
    assert.equal(tally.count('unreachable') + tally.count('gave_up') + tally.count('stopped'), 0);
    for (const { name } of tenants)
      assert.ok(
        total(page, 'http_server_request_duration_seconds_count', { sightline_tag_tenant: name }) > 0,
        name,
      );
  });

  it('says of which tenant it is in a header too, for request-tags', async () => {
    const tags = { tenant: { header: 'x-tenant', label: true } };
    await using stage = await startDemoStage({ middleware: [{ 'request-tags': { tags } }] });
    const visits = quickVisits(40);
    await sendVisits(stage.service.dataUrl, visits);
    await stage.service.inFlight.empty();
    const page = parsePage(await (await fetch(`${stage.service.adminUrl}/metrics`)).text());
    const name = 'http_server_request_duration_seconds_count';
    const ofOne = visits.filter(({ over, tenant }) => over !== 'realtime' && tenant.name === 'acme');
    assert.ok(ofOne.length > 0);
    assert.equal(total(page, name, { sightline_tag_tenant: 'acme' }), questionsIn(ofOne));
  });

  it('keeps to its bound where the server gives no answer, and gives up at the end', async () => {
    let requests = 0;
    const stalled = createServer(() => {
      requests += 1;
    }).listen(0, '127.0.0.1');
    await once(stalled, 'listening');
    const { port } = stalled.address() as AddressInfo;
    const tally = new Tally();
    const options = { baseUrl: new URL(`http://127.0.0.1:${port}`), concurrencyMax: 5, graceMs: 0, tally };
    const visits = quickVisits(400).filter(({ over }) => over === 'http');
    const stop = new AbortController();
    const traffic = new Traffic({ ...options, visits, arrivals: atOnce() });
    const running = traffic.run(stop.signal);
    while (requests < 5) await once(stalled, 'request');
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([traffic.began, traffic.inFlight, requests], [5, 5, 5]);
    stop.abort();
    await running;
    assert.deepEqual([traffic.began, traffic.inFlight, tally.count('stopped')], [5, 0, 5]);
    stalled.closeAllConnections();
    stalled.close();
  });

  it('loses patience with a reply that does not end, and goes on', async () => {
    await using stage = await startDemoStage();
    const [visit] = planVisits({ seed: 1 }).filter(({ over }) => over === 'http');
    assert.ok(visit?.over === 'http');
    const body = { ...visit.question.body, model: 'sim-stall-1', stream: true };
    const silent: Visit = { ...visit, question: { ...visit.question, body } };
    const tally = await sendVisits(stage.service.dataUrl, [silent, silent, visit], {
      concurrencyMax: 1,
      patienceMs: 300,
    });
    assert.equal(tally.count('gave_up'), 2);
    assert.equal(tally.count('completed'), 1);
  });

  it('tells of a server that is not there', async () => {
    const visits = ['http', 'stream', 'realtime'].map((over) =>
      planVisits({ seed: 1 }).find((visit) => visit.over === over),
    ) as Visit[];
    const tally = await sendVisits('http://127.0.0.1:9', visits);
    assert.equal(tally.count('unreachable'), tally.total);
    assert.ok(tally.total >= 3);
  });
});

function has(entries: readonly JournalEntry[], wanted: (entry: JournalEntry) => boolean): boolean {
  return entries.some(wanted);
}

function outcomes(page: Page, ...names: readonly string[]): number {
  return names.reduce(
    (sum, name) => sum + total(page, 'sightline_exchange_outcomes_total', { sightline_outcome: name }),
    0,
  );
}
