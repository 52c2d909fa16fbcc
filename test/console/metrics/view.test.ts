import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  chartAddress,
  exchangesAddress,
  linksOf,
  pluginAddress,
} from '../../../src/console/page/alerts/alert-links.ts';
import {
  exchangesOf,
  inStretch,
  metricsAddress,
  readView,
  stretchOf,
} from '../../../src/console/page/metrics/view.ts';
import { alertLine } from '../alerts/lines.ts';

const viewOf = (query: string) => readView(new URLSearchParams(query));

describe('the view of the metrics', () => {
  it('is kept in the address', () => {
    for (const view of [
      { rangeMinutes: 5, zoom: undefined, isTable: false, chart: undefined },
      { rangeMinutes: 80, zoom: { from: 1_000, to: 9_000 }, isTable: true, chart: 'memory' },
    ])
      assert.deepEqual(viewOf(metricsAddress(view).split('?')[1] ?? ''), view);
    assert.equal(metricsAddress(viewOf('')), '#/metrics');
  });

  it('takes what it does not know for nothing', () => {
    assert.deepEqual(viewOf('range=7&from=x&to=9&as=chart'), viewOf(''));
    assert.equal(viewOf('from=9000&to=1000').zoom, undefined);
    assert.equal(viewOf('from=1000').zoom, undefined);
  });

  it('reaches back from the newest figure, or is what was zoomed into', () => {
    const known = { from: 0, to: 1_000_000 };
    assert.deepEqual(stretchOf(viewOf('range=15'), known), { from: 100_000, to: 1_000_000 });
    assert.deepEqual(stretchOf(viewOf('from=1000&to=2000'), known), { from: 1_000, to: 2_000 });
  });

  it('begins with the first figure where there are fewer, and is never shorter than a minute', () => {
    const known = (from: number) => ({ from, to: 1_000_000 });
    assert.deepEqual(stretchOf(viewOf(''), known(900_000)), known(900_000));
    assert.deepEqual(stretchOf(viewOf(''), known(990_000)), known(940_000));
  });

  it('is never shorter than a second', () => {
    assert.deepEqual(inStretch({ from: 10.4, to: 20 }), { from: 10, to: 1_011 });
  });

  it('leads to the exchanges of a stretch', () => {
    assert.equal(exchangesOf({ from: 1000.5, to: 2000.5 }), '#/live?from=1000&to=2001');
  });
});

describe('the links of an alert', () => {
  const since = '2026-11-23T11:00:00.000Z';
  const at = Date.parse(since);
  const errors = alertLine({ field: 'errors', unit: '', windowMs: 300_000, since });
  const firing = { ...errors, state: 'firing', firedAt: since } as const;

  it('lead to the chart of its figure, as far back as it began', () => {
    assert.equal(chartAddress(firing, at + 60_000), '#/metrics?chart=errors');
    assert.equal(chartAddress(firing, at + 600_000), '#/metrics?range=15&chart=errors');
    assert.equal(chartAddress(firing, at + 9e6), '#/metrics?range=80&chart=errors');
    assert.equal(chartAddress(errors, at + 9e6), '#/metrics?chart=errors');
    assert.equal(chartAddress(alertLine({ field: 'upstreams.*.up' }), at), undefined);
  });

  it('lead to the exchanges that it is about, from its window on', () => {
    const query = new URLSearchParams(exchangesAddress(firing)?.split('?')[1]);
    assert.equal(query.get('from'), String(at - 300_000));
    assert.equal(query.get('to'), null);
    assert.ok(query.getAll('outcome').includes('timed_out'));
    assert.equal(exchangesAddress(errors), undefined);
  });

  it('lead to the plugin that it is about, and to no exchange where none has to do with it', () => {
    const rejected = { ...firing, field: 'plugins.rejected.*', of: 'broken.plugin.ts' };
    assert.deepEqual(linksOf(rejected, at), [{ title: 'The plugin', href: '#/plugins?plugin=broken' }]);
    const open = { ...firing, field: 'plugins.breakersOpen.*', of: 'tenant' };
    assert.equal(pluginAddress(open), '#/plugins?plugin=tenant');
    assert.equal(pluginAddress({ field: 'plugins.rejected.*' }), undefined);
    assert.equal(pluginAddress({ field: 'upstreams.*.up', of: 'default' }), undefined);
    assert.deepEqual(linksOf({ ...firing, field: 'upstreams.*.certificateDays', of: 'default' }, at), []);
  });

  it('end where it was resolved', () => {
    const over = { ...firing, state: 'resolved', since: new Date(at + 60_000).toISOString() } as const;
    assert.equal(new URLSearchParams(exchangesAddress(over)?.split('?')[1]).get('to'), String(at + 60_000));
  });

  it('are about one upstream where the alert is', () => {
    const down = { ...firing, field: 'upstreams.*.up', of: 'a & b' };
    assert.equal(new URLSearchParams(exchangesAddress(down)?.split('?')[1]).get('upstream'), 'a & b');
  });
});
