import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMiddleware } from '../../../src/middleware/builtin/index.ts';
import { tagPrefix } from '../../../src/telemetry/names.ts';
import { sampleExchange, sampleQuery } from '../../exchange/samples.ts';
import { startProxy, type TestProxy } from '../proxy.ts';

function createTags(tags: unknown) {
  const [middleware] = createMiddleware([{ name: 'request-tags', options: { tags } }]);
  assert.ok(middleware);
  return middleware;
}

const query = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello!' }] };

async function metricLines({ service }: TestProxy, name: string): Promise<string[]> {
  const response = await fetch(`${service.adminUrl}/metrics`);
  return (await response.text()).split('\n').filter((line) => line.startsWith(name));
}

/** What the spans of one exchange say of a tag. */
function tagOnSpans({ service }: TestProxy, traceId: string | undefined, tag: string): unknown[] {
  const spans = service.telemetry.traces.get(traceId ?? '')?.spans ?? [];
  return spans.filter(({ kind }) => kind === 'SERVER').map(({ attributes }) => attributes[tagPrefix + tag]);
}

describe('request-tags', () => {
  it('makes attributes of the headers that it is told, and labels of those that it is told to', async () => {
    const { beforeQuery } = createTags({ team: { header: 'X-Team', label: true }, user: 'x-user' });
    const exchange = sampleExchange({ headers: ['x-team', 'blue', 'X-User', 'ada', 'x-other', 'no'] });
    assert.equal(await beforeQuery?.(sampleQuery(), exchange.view), undefined);
    assert.deepEqual(
      [...exchange.attributes],
      [
        ['team', 'blue'],
        ['user', 'ada'],
      ],
    );
    assert.deepEqual([...exchange.labels], [['team', 'blue']]);
  });

  it('leaves out what the client did not send, and cuts what is too long for people', async () => {
    const { beforeQuery } = createTags({ team: 'x-team', user: { header: 'x-user', label: true } });
    const exchange = sampleExchange({ headers: ['x-user', 'u'.repeat(1_000)] });
    await beforeQuery?.(sampleQuery(), exchange.view);
    assert.deepEqual([...exchange.attributes], [['user', 'u'.repeat(128)]]);
    assert.deepEqual([...exchange.labels], [['user', 'u'.repeat(128)]]);
  });

  it('refuses headers that carry secrets', () => {
    for (const header of [
      'Authorization',
      'proxy-authorization',
      'Cookie',
      'x-api-key',
      'api-key',
      'x-goog-api-key',
      'x-auth-token',
      'x-amz-security-token',
      'Ocp-Apim-Subscription-Key',
    ]) {
      assert.throws(() => createTags({ who: { header } }), {
        name: 'MiddlewareOptionsError',
        message: `middleware[0].request-tags: '${header.toLowerCase()}' carries secrets and cannot be the tag 'who'.`,
      });
    }
    createTags({ budget: 'x-max-tokens', session: 'x-session-id' });
  });

  for (const [tags, message] of [
    [
      undefined,
      'middleware[0].request-tags.tags: expected tags of a–z, 0–9, _ and ., each with the name of a request header',
    ],
    [
      { Team: 'x-team' },
      'middleware[0].request-tags.tags.Team: expected tags of a–z, 0–9, _ and ., each with the name of a request header',
    ],
    [
      { team: 'x team' },
      'middleware[0].request-tags.tags.team.header: expected the name of a request header',
    ],
    [
      { team: { header: 'x-team', lable: true } },
      'middleware[0].request-tags.tags.team: Unrecognized key: "lable"',
    ],
  ] as const) {
    it(`refuses options with a message that says what was expected: ${JSON.stringify(tags) ?? 'none'}`, () => {
      assert.throws(() => createTags(tags), { name: 'MiddlewareOptionsError', message });
    });
  }

  it('shows its tags on the span and on the metrics, with no more values than a label may have', async () => {
    await using proxy = await startProxy({
      builtin: [{ 'request-tags': { tags: { team: { header: 'x-team', label: true }, user: 'x-user' } } }],
      limits: { labelValuesMax: 2 },
    });
    for (const [i, team] of ['blue', 'green', 'red', 'pink', 'blue'].entries()) {
      const { id } = await proxy.ask(query, { headers: { 'x-team': team, 'x-user': `user-${i}` } });
      const { traceId } = await proxy.endings.of(id);
      assert.deepEqual(tagOnSpans(proxy, traceId, 'team'), [team]);
      assert.deepEqual(tagOnSpans(proxy, traceId, 'user'), [`user-${i}`]);
    }
    const { id } = await proxy.ask(query);
    assert.deepEqual(tagOnSpans(proxy, (await proxy.endings.of(id)).traceId, 'team'), [undefined]);
    for (const name of [
      'http_server_request_duration_seconds_count',
      'gen_ai_client_operation_duration_seconds_count',
    ]) {
      const lines = await metricLines(proxy, name);
      const counts = lines.map((line) => {
        const team = /sightline_tag_team="([^"]*)"/.exec(line)?.[1] ?? 'none';
        return `${team} ${line.split(' ').at(-1)}`;
      });
      assert.deepEqual(counts.sort(), ['blue 2', 'green 1', 'none 1', 'other 2'], name);
      assert.ok(lines.every((line) => !line.includes('user')));
    }
  });
});
