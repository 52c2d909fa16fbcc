import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Probes } from '../../src/upstreams/probe.ts';
import { type RawConnection, startRawServer, startReplyServer } from '../support/raw-http.ts';

const limits = { probeTimeoutMs: 10_000, probeIntervalMs: 60_000 };

async function probe(url: string | undefined, probeTimeoutMs = limits.probeTimeoutMs) {
  const target = { upstream: 'one', url: url === undefined ? undefined : new URL(url) };
  const [result] = await new Probes([target], { ...limits, probeTimeoutMs }).results();
  assert.equal(result?.upstream, 'one');
  return result;
}

describe('a probe', () => {
  for (const status of [200, 302, 401, 404, 503]) {
    it(`takes status ${status} for a yes`, async () => {
      await using server = await startReplyServer(
        () => `HTTP/1.1 ${status} Some\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\nok`,
      );
      const result = await probe(server.url);
      assert.deepEqual([result.state, result.detail], ['up', `HTTP ${status}`]);
      assert.ok(Date.parse(result.checkedAt ?? ''));
    });
  }

  it('does not wait for a body without end, and lets go of it', async () => {
    const asked = Promise.withResolvers<RawConnection>();
    await using server = await startRawServer(async (connection) => {
      await connection.request();
      await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegun');
      asked.resolve(connection);
    });
    assert.equal((await probe(server.url)).state, 'up');
    await (await asked.promise).closed();
  });

  it('tells why there is no reply', async () => {
    const [refusing, absent] = [
      await probe('http://127.0.0.1:1/'),
      await probe('http://no-such-name.invalid/'),
    ];
    assert.deepEqual([refusing.state, refusing.detail], ['down', 'ECONNREFUSED']);
    assert.equal(absent.state, 'down');
    // The second where no name server answers.
    assert.match(absent.detail ?? '', /^(ENOTFOUND|EAI_AGAIN)$/);
    await using silent = await startRawServer(async (connection) => {
      await connection.request();
    });
    const { state, detail } = await probe(silent.url, 20);
    assert.deepEqual([state, detail], ['down', 'no reply within 20 ms']);
  });

  it('is not made where the configuration says so', async () => {
    assert.deepEqual(await probe(undefined), {
      upstream: 'one',
      state: 'not_probed',
      detail: undefined,
      checkedAt: undefined,
    });
  });

  it('is made once an interval, for however many ask', async () => {
    let count = 0;
    await using server = await startReplyServer(() => {
      count += 1;
      return 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
    });
    const target = { upstream: 'one', url: new URL(server.url) };
    const rare = new Probes([target], limits);
    await Promise.all([rare.results(), rare.results()]);
    await rare.results();
    assert.equal(count, 1);
    const eager = new Probes([target], { ...limits, probeIntervalMs: 0 });
    await eager.results();
    await eager.results();
    assert.equal(count, 3);
  });
});
