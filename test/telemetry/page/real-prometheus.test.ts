import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { classicPage } from '../../../src/telemetry/page/classic-page.ts';
import { openMetricsPage } from '../../../src/telemetry/page/open-metrics-page.ts';
import { missing } from '../../support/is-installed.ts';
import { Prometheus, type Sample } from '../../support/prometheus.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startStage } from '../stage.ts';

const skip = missing(['prometheus'], 'what a real Prometheus makes of /metrics');

/** Passes `/metrics` on, in the format that this `accept` gets instead of Prometheus's own. */
async function passOn(
  adminUrl: string,
  accept?: string,
): Promise<{ url: string; types: Set<string | null>; server: Server }> {
  const types = new Set<string | null>();
  const server = createServer(async (request, response) => {
    const reply = await fetch(`${adminUrl}/metrics`, {
      headers: { accept: accept ?? request.headers.accept ?? '' },
    });
    const type = reply.headers.get('content-type');
    types.add(type);
    response.writeHead(reply.status, { 'content-type': type ?? '' }).end(await reply.text());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, types, server };
}

/** Without what tells the two jobs apart; in one order. */
function seriesOf(samples: readonly Sample[], job: string): string[] {
  return samples
    .filter(({ labels }) => labels.job === job)
    .map(({ labels: { job: _job, instance, ...labels }, value }) =>
      JSON.stringify([Object.entries(labels).sort(), value]),
    )
    .toSorted();
}

describe('a real Prometheus', { skip }, () => {
  test('reads both formats as the same series, and exemplars that lead to exported traces', async () => {
    await using stage = await startStage({
      config: { middleware: [{ 'request-tags': { tags: { team: { header: 'x-team', label: true } } } }] },
    });
    const plugin = stage.service.telemetry.pluginMeter('odd');
    const description = 'Says "this", \\ and\nthat.';
    for (const value of ['"', '\\', '\n', '\r', 'Zürich 東京 🙂', '\u0000', '\ud800', '# EOF', '\u2028'])
      plugin
        .createCounter('odd.labels', { description, unit: 's' })
        .add(1, { value, __name__: 'x', '': 'y' });
    const numbers = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1e300, -1e-300, 5e-324];
    for (const [i, value] of numbers.entries()) plugin.createGauge('odd.numbers').record(value, { i });

    await using forwarders = new AsyncDisposableStack();
    const [open, classic] = await Promise.all([
      passOn(stage.service.adminUrl),
      passOn(stage.service.adminUrl, '*/*'),
    ]);
    for (const { server } of [open, classic]) {
      forwarders.defer(() => {
        server.closeAllConnections();
        server.close();
      });
    }
    await stage.openMetrics();
    for (const team of ['"quoted"', 'back\\slash', 'plain']) {
      await stage.chat({ stream: true, model: 'sim-tokens-3' }, { 'x-team': team });
      await stage.chat({ model: 'sim-status-500' });
    }
    await using prometheus = await Prometheus.start({
      targets: [
        { job: 'open', url: open.url },
        { job: 'classic', url: classic.url },
      ],
    });
    await prometheus.waitForScrape();
    const ours = '{job=~"open|classic", __name__=~"(http|gen_ai|sightline|odd|target)_.*"}';
    const samples = await waitFor('the same series of both', async () => {
      const found = await prometheus.query(ours);
      const [one, other] = [seriesOf(found, 'open'), seriesOf(found, 'classic')];
      return one.length > 100 && JSON.stringify(one) === JSON.stringify(other) ? found : undefined;
    });
    assert.deepEqual(
      [...open.types],
      [openMetricsPage.contentType],
      'what this Prometheus asks for by itself',
    );
    assert.deepEqual([...classic.types], [classicPage.contentType]);
    assert.equal(
      samples.filter(({ labels }) => labels.__name__ === 'odd_labels_seconds_total').length,
      2 * 9,
    );
    assert.equal(
      samples.filter(({ labels }) => labels.__name__ === 'odd_numbers').length,
      2 * numbers.length,
    );
    assert.ok(samples.every(({ labels }) => !labels.__name__?.endsWith('_created')));

    const exemplars = await waitFor('exemplars', async () => {
      const found = await prometheus.queryExemplars('http_server_request_duration_seconds_bucket');
      return found.length > 0 ? found : undefined;
    });
    const traces = new Set(stage.sink.spans().map(({ traceId }) => traceId));
    for (const { seriesLabels, exemplars: some } of exemplars) {
      assert.equal(seriesLabels.job, 'open');
      for (const { labels, value } of some) {
        assert.ok(traces.has(labels.trace_id ?? ''), `${labels.trace_id} was exported`);
        assert.ok(Number(value) <= Number(seriesLabels.le?.replace('+Inf', 'Infinity')));
      }
    }
    assert.equal(prometheus.log, '', 'it has nothing to complain of');
  });
});
