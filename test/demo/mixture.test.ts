import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { faultShare, hangUpShare, kinds, planVisits } from '../../src/demo/mixture.ts';
import { tenants } from '../../src/demo/tenants.ts';
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

describe('the mixture of the demo', () => {
  it('is the same for the same seed, and another one for another', () => {
    assert.deepEqual(plan(7, 500), plan(7, 500));
    assert.notDeepEqual(plan(7, 500), plan(8, 500));
  });

  it('has every kind, and every tenant, at its share', () => {
    const visits = plan(1);
    const byKind = shares(visits, ({ kind }) => kind);
    const all = kinds.reduce((sum, { weight }) => sum + weight, 0);
    for (const { kind, weight } of kinds) assertShare(kind, byKind[kind] ?? 0, weight / all, many);
    const byTenant = shares(visits, ({ tenant }) => tenant.name);
    const wanted = tenants.reduce((sum, { weight }) => sum + weight, 0);
    for (const { name, weight } of tenants) assertShare(name, byTenant[name] ?? 0, weight / wanted, many);
  });

  it('has faults at their share, each of which the simulator knows', () => {
    const questions = overHttp(plan(2));
    const models = questions
      .map(({ body }) => String(body.model))
      .filter((model) => model.startsWith('sim-'));
    assertShare('faults', models.length / questions.length, faultShare, questions.length);
    assert.deepEqual(
      models.filter((model) => faultOf(model) === undefined),
      [],
    );
    assert.ok(new Set(models).size >= 8);
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
