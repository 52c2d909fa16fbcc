import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { startBackend } from '../stream/backend.ts';
import { Alertmanager } from './alertmanager.ts';
import { missing } from './is-installed.ts';
import { Prometheus } from './prometheus.ts';
import { waitFor } from './wait-for.ts';
import { WebhookSink } from './webhook-sink.ts';

const skip = missing(['prometheus', 'prometheus-alertmanager'], 'the way from a scrape to a webhook');

const rules = `groups:
  - name: test
    rules:
      - alert: Hot
        expr: temperature > 100
        for: 500ms
`;

/** As the webhook of an Alertmanager has it. */
const message = z.object({
  alerts: z.array(z.object({ status: z.string(), labels: z.record(z.string(), z.string()) })),
});

describe('Prometheus and Alertmanager', { skip }, () => {
  it('scrape, evaluate, tell a webhook, and give back what they know', async () => {
    let temperature = 20;
    const page = () =>
      `# TYPE temperature gauge\ntemperature ${temperature}\n# TYPE h histogram\nh_bucket{le="1"} 1 # {trace_id="abc"} 0.5\nh_bucket{le="+Inf"} 1\nh_count 1\nh_sum 0.5\n# EOF\n`;
    await using server = await startBackend((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/openmetrics-text; version=1.0.0' }).end(page());
    });
    const target = { job: 'test', url: server.url };
    await using sink = await WebhookSink.start();
    await using alertmanager = await Alertmanager.start({ webhook: sink.url });
    await using prometheus = await Prometheus.start({
      targets: [target],
      evaluationIntervalMs: 200,
      rules,
      alertmanagers: [alertmanager.url],
    });
    await prometheus.waitForScrape();
    const [sample] = await prometheus.waitForSamples('temperature');
    assert.deepEqual([sample?.value, sample?.labels.job], [20, 'test']);
    assert.deepEqual((await prometheus.query('1 + 1'))[0]?.value, 2);
    await assert.rejects(prometheus.query('temperature >'), /parse error/);
    const exemplars = await waitFor(
      'exemplars',
      async () => (await prometheus.queryExemplars('h_bucket'))[0],
    );
    assert.equal(exemplars.exemplars[0]?.labels.trace_id, 'abc');

    const has = (status: string) =>
      waitFor(status, () =>
        sink.bodies
          .flatMap((body) => message.parse(body).alerts)
          .find((alert) => alert.status === status && alert.labels.alertname === 'Hot'),
      );
    temperature = 120;
    await has('firing');
    assert.equal((await prometheus.alerts())[0]?.state, 'firing');
    assert.equal((await alertmanager.alerts()).length, 1);
    assert.equal((await prometheus.rules())[0]?.health, 'ok');
    temperature = 20;
    await has('resolved');
    const end = new Date();
    const range = { start: new Date(end.getTime() - 60_000), end, stepSeconds: 1 };
    // It was so for less than a step, perhaps, and a busy machine misses scrapes.
    const [series] = await prometheus.queryRange('max_over_time(temperature[10s])', range);
    assert.ok(series?.points.some(([, value]) => value === 120));
    assert.equal(prometheus.log, '');
  });

  it('say why they do not start', async () => {
    await assert.rejects(Prometheus.start({ rules: 'groups: [{ name: 7, rule: [] }]' }), /rule/);
  });
});
