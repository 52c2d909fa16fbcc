import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { thresholds } from '../../../src/alerts/thresholds.ts';
import { chartOf, chartsOver } from '../../../src/console/page/metrics/charts.ts';
import { axisRange, limitsOf, windowsOf } from '../../../src/console/page/metrics/limits.ts';
import { alertLine } from '../alerts/lines.ts';

const chartNamed = (id: string, windows = {}) => {
  const chart = chartsOver(windows).find((one) => one.id === id);
  assert(chart);
  return chart;
};
const upTo = (highest: number) => ({ left: [0, highest] as const, right: undefined });
const [memory, duration] = [chartNamed('memory'), chartNamed('duration')];

describe('the limits in a chart', () => {
  it('are those of the figures that it shows', () => {
    const others = [alertLine({ id: 'cpu', field: 'cpu.capacityPercent' }), alertLine()];
    const limits = limitsOf(memory, others, upTo(300));
    assert.deepEqual(
      limits.map(({ alert, label, at, isDrawn }) => ({ id: alert.id, label, at, isDrawn })),
      [{ id: 'memory', label: 'limit 500\u00a0MB', at: 500, isDrawn: true }],
    );
  });

  it('are told in words where a line would press the figures flat', () => {
    const [limit] = limitsOf(memory, [alertLine()], upTo(120));
    assert.equal(limit?.isDrawn, false);
    assert.equal(limit?.note, 'far above');
    const [below] = limitsOf(memory, [alertLine({ comparison: 'below', limit: 10 })], {
      left: [200, 300],
      right: undefined,
    });
    assert.equal(below?.note, 'far below');
  });

  it('are drawn wherever they are while they fire', () => {
    const [limit] = limitsOf(memory, [alertLine({ state: 'firing' })], upTo(120));
    assert.equal(limit?.isDrawn, true);
  });

  it('are no line where any figure at all is too many, or there is none', () => {
    const chart = chartNamed('telemetry');
    const lost = alertLine({ field: 'telemetryDropped', limit: 0, unit: '', windowMs: 300_000 });
    assert.equal(limitsOf(chart, [lost], upTo(3))[0]?.note, 'any is too many');
    assert.equal(
      limitsOf(memory, [alertLine()], { left: undefined, right: undefined })[0]?.note,
      'no figure',
    );
  });

  it('name their window where the figures of the chart have another', () => {
    const p99 = alertLine({ field: 'responseMs.p99', limit: 80_000, unit: 'ms', windowMs: 300_000 });
    assert.equal(
      limitsOf(duration, [p99], upTo(60_000))[0]?.label,
      'limit 1\u00a0min 20\u00a0s over 5\u00a0min',
    );
  });

  it('need no such words where a series has the very window', () => {
    const errors = alertLine({ field: 'errors', limit: 10, unit: '', windowMs: 600_000 });
    const chart = chartNamed('errors', windowsOf([errors]));
    assert.equal(chart.series[0]?.label, 'Errors in 10\u00a0min');
    assert.equal(limitsOf(chart, [errors], upTo(20))[0]?.label, 'limit 10');
  });
});

describe('an axis of a chart', () => {
  it('reaches from zero over the highest figure and the lines', () => {
    assert.deepEqual(axisRange([40, 100], []), [0, 110]);
    assert.deepEqual(axisRange([40, 100], [{ at: 200 }]), [0, 220]);
  });

  it('is there where all is zero, or nothing is', () => {
    assert.deepEqual(axisRange([0, 0], []), [0, 1]);
    assert.deepEqual(axisRange(undefined, []), [0, 1]);
  });
});

describe('the charts', () => {
  it('show every figure that thresholds look at, but for those of plugins and upstreams', () => {
    const missing = thresholds.filter(({ field }) => !chartOf(field)).map(({ field }) => field);
    assert.deepEqual(missing, [
      'plugins.rejected.*',
      'plugins.breakersOpen.*',
      'upstreams.*.up',
      'upstreams.*.certificateDays',
    ]);
  });

  it('tell the series of a chart apart by more than their colours', () => {
    for (const { id, series } of chartsOver()) {
      const looks = series.map(({ dash = [], pattern }) => `${dash.join(' ')} ${pattern ?? ''}`);
      assert.equal(new Set(looks).size, series.length, id);
      assert.equal(new Set(series.map(({ colour }) => colour)).size, series.length, id);
    }
  });
});
