import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { incidentAt, incidents } from '../../src/demo/incidents.ts';
import { faultShare, hangUpShare, kinds, planVisits } from '../../src/demo/mixture.ts';
import { agentOf, tenants } from '../../src/demo/tenants.ts';
import type { Question, Visit } from '../../src/demo/visit.ts';
import { faultOf } from '../../src/simulator/faults.ts';

const many = 20_000;

function plan(seed: number, visits = many): Visit[] {
  return planVisits({ seed }).take(visits).toArray();
}

function shares<T>(items: readonly T[], nameOf: (item: T) => string): Record<string, number> {
  const groups = Object.entries(Object.groupBy(items, nameOf));
  return Object.fromEntries(groups.map(([name, group]) => [name, (group ?? []).length / items.length]));
}

/** Within three standard deviations of what chance gives. */
function assertShare(what: string, actual: number, expected: number, of: number): void {
  const deviation = Math.sqrt((expected * (1 - expected)) / of);
  assert.ok(Math.abs(actual - expected) <= 4 * deviation, `${what}: ${actual} for ${expected}`);
}

function overHttp(visits: readonly Visit[]): Question[] {
  return visits.flatMap((visit) => (visit.over === 'http' ? [visit.question] : []));
}

function faultModels(visits: readonly Visit[]): string[] {
  return overHttp(visits)
    .map(({ body }) => String(body.model))
    .filter((model) => model.startsWith('sim-'));
}

describe('the mixture of the demo', () => {
  it('is the same for the same seed, and another one for another', () => {
    assert.deepEqual(plan(7, 500), plan(7, 500));
    assert.notDeepEqual(plan(7, 500), plan(8, 500));
  });

  it('has every kind, and every tenant, at its share', () => {
    const visits = plan(1).filter(({ kind }) => kind !== 'agent');
    const byKind = shares(visits, ({ kind }) => kind);
    const all = kinds.reduce((sum, { weight }) => sum + weight, 0);
    for (const { kind, weight } of kinds) assertShare(kind, byKind[kind] ?? 0, weight / all, many);
    const byTenant = shares(visits, ({ tenant }) => tenant.name);
    const wanted = tenants.reduce((sum, { weight }) => sum + weight, 0);
    for (const { name, weight } of tenants) assertShare(name, byTenant[name] ?? 0, weight / wanted, many);
  });

  it('has a few faults on all days, each of which the simulator knows', () => {
    const models = faultModels(plan(2).filter((_, number) => !incidentAt(number)));
    const asked = overHttp(plan(2).filter((_, number) => !incidentAt(number))).length;
    assertShare('faults', models.length / asked, faultShare, asked);
    assert.deepEqual(
      faultModels(plan(2)).filter((model) => faultOf(model) === undefined),
      [],
    );
    assert.ok(new Set(faultModels(plan(2))).size >= 8);
  });

  it('has an incident each day, and as many faults in it as it says', () => {
    const visits = plan(4);
    for (const incident of incidents) {
      const struck = visits.filter((_, number) => incidentAt(number)?.incident === incident);
      const asked = overHttp(struck).length;
      assert.ok(asked > 700, `${incident.what}: ${asked}`);
      const met = incident.faults
        ? faultModels(struck).length
        : struck.filter(({ kind }) => kind === 'agent').length;
      assertShare(incident.what, met / asked, incident.share, asked);
    }
  });

  it('shows an incident to who looks for half a minute, and quiet between two', () => {
    const visitsPerSecond = 5;
    const first = plan(1, 1_000).findIndex((_, number) => incidentAt(number));
    assert.ok(first > 50 && first < 30 * visitsPerSecond, String(first));
    const quiet = plan(1, 3_000).filter((_, number) => !incidentAt(number)).length / visitsPerSecond;
    // The longest window of their alerts, and how long these fire on.
    assert.ok(quiet > 7 * 60, String(quiet));
  });

  it('has an agent whose prompts grow until somebody stops it', () => {
    const steps = plan(4, 6_000).filter(({ kind }) => kind === 'agent');
    const sizes = overHttp(steps).map(({ body }) => JSON.stringify(body).length);
    assert.deepEqual([...new Set(steps.map(({ tenant }) => tenant.name))], [agentOf.name]);
    assert.ok((sizes.at(-1) ?? 0) > 20 * (sizes[0] ?? 0), `${sizes[0]} … ${sizes.at(-1)}`);
  });

  it('has readers who leave streams that would have gone on, and nothing else', () => {
    const questions = overHttp(plan(3));
    const working = questions.filter(
      ({ body }) => body.stream === true && faultOf(String(body.model)) === undefined,
    );
    const left = questions.filter(({ leavesAfter }) => leavesAfter !== undefined);
    assert.ok(left.every((question) => working.includes(question)));
    assertShare('hang-ups', left.length / working.length, hangUpShare, working.length);
  });

  it('asks an upstream of its own for what Anthropic answers, where there is one', () => {
    const paths = (anthropicPrefix?: string) =>
      new Set(
        overHttp(
          planVisits({ seed: 1, ...(anthropicPrefix && { anthropicPrefix }) })
            .take(500)
            .toArray(),
        )
          .map(({ path }) => path)
          .filter((path) => path.endsWith('/messages')),
      );
    assert.deepEqual([...paths()], ['/v1/messages']);
    assert.deepEqual([...paths('/anthropic')], ['/anthropic/v1/messages']);
  });
});
