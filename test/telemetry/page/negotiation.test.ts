import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { classicPage } from '../../../src/telemetry/page/classic-page.ts';
import { openMetricsPage } from '../../../src/telemetry/page/open-metrics-page.ts';
import { parseOpenMetrics } from '../open-metrics-text.ts';
import { parsePage } from '../prometheus-text.ts';
import { type Stage, startStage } from '../stage.ts';

const classic = classicPage.contentType;
const openMetrics = openMetricsPage.contentType;

/** As versions of Prometheus really ask. */
const prometheus = {
  '2.30': 'application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
  '2.42':
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
  '2.53':
    'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
  '3.x':
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
  '3.x with native histograms':
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
  '3.x with scrape_protocols: [PrometheusText0.0.4]': 'text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
};

const cases: readonly [accept: string | undefined, expected: string][] = [
  [undefined, classic],
  ['', classic],
  ['*/*', classic],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', classic],
  [prometheus['2.30'], classic],
  [prometheus['2.42'], openMetrics],
  [prometheus['2.53'], openMetrics],
  [prometheus['3.x'], openMetrics],
  [prometheus['3.x with native histograms'], openMetrics],
  [prometheus['3.x with scrape_protocols: [PrometheusText0.0.4]'], classic],

  ['application/openmetrics-text', openMetrics],
  ['Application/OpenMetrics-Text; Version=1.0.0', openMetrics],
  ['application/openmetrics-text; version="1.0.0"; charset=UTF-8', openMetrics],
  ['application/openmetrics-text;version=1.0.0;escaping=underscores', openMetrics],
  ['application/openmetrics-text;version=1.0.0;escaping=dots', openMetrics],
  ['application/openmetrics-text;version=1.0.0;escaping=values', openMetrics],
  ['application/*', openMetrics],
  ['text/plain', classic],
  ['text/plain;version=0.0.4;escaping=underscores', classic],
  ['text/*', classic],

  // Versions that are not ours.
  ['application/openmetrics-text;version=0.0.1', classic],
  ['application/openmetrics-text;version=2.0.0,text/plain;q=0.1', classic],
  ['text/plain;version=1.0.0,application/openmetrics-text;q=0.1', openMetrics],
  ['application/openmetrics-text;charset=iso-8859-1,text/plain;q=0.1', classic],

  // Preferences: first by their weight, then by how closely they name it, then by their order.
  ['application/openmetrics-text;q=0.4,text/plain;q=0.5', classic],
  ['application/openmetrics-text;q=0.5,text/plain;q=0.4', openMetrics],
  ['application/openmetrics-text,*/*', openMetrics],
  ['*/*,application/openmetrics-text', openMetrics],
  ['text/plain,application/openmetrics-text', classic],
  ['application/openmetrics-text,text/plain', openMetrics],
  ['*/*;q=0.9,application/openmetrics-text;q=0.1', classic],
  ['text/*;q=0.2,application/*;q=0.3', openMetrics],

  // Not acceptable, and nothing that is.
  ['application/openmetrics-text;q=0,*/*', classic],
  ['text/plain;q=0,*/*', openMetrics],
  ['application/json', classic],
  ['application/json;q=0.5,text/html', classic],
  ['*/*;q=0', classic],

  // Not well formed.
  [',,;q=1,', classic],
  ['openmetrics', classic],
  ['application/openmetrics-text;q=high,text/plain;q=0.1', classic],
  [`${'a/b,'.repeat(2_000)}application/openmetrics-text;q=0.1`, openMetrics],
];

describe('/metrics answers', () => {
  let stage: Stage;
  before(async () => {
    stage = await startStage();
  });
  after(() => stage[Symbol.asyncDispose]());

  function page(
    accept: string | undefined,
  ): Promise<{ type: string | undefined; vary: unknown; text: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof page>>>();
    const headers = accept === undefined ? {} : { accept };
    request(`${stage.service.adminUrl}/metrics`, { headers, agent: false }, async (reply) => {
      let text = '';
      for await (const chunk of reply) text += String(chunk);
      resolve({ type: reply.headers['content-type'], vary: reply.headers.vary, text });
    })
      .on('error', reject)
      .end();
    return promise;
  }

  for (const [accept, expected] of cases) {
    const [name] = /^[^;]+/.exec(expected) ?? [];
    test(`${name} to 'accept: ${accept?.slice(-110)}'`, async () => {
      const { type, vary, text } = await page(accept);
      assert.equal(type, expected);
      assert.match(String(vary), /\baccept\b/i);
      if (expected === openMetrics) parseOpenMetrics(text);
      else parsePage(text);
    });
  }
});
