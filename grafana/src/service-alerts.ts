import { attribute, metric } from '../../src/telemetry/names.ts';
import { row } from './parts/dashboard.ts';
import { alertList, timeline } from './parts/panels.ts';
import { firing, foreign, legendOf, level } from './parts/promql.ts';
import { query } from './parts/queries.ts';

const { alert, upstream, plugin } = attribute;
/** An alert is of one of the two, or of none. */
const of = `${legendOf([upstream])}${legendOf([plugin])}`;

export const alerts = row('What is the matter', [
  alertList({
    title: 'Alerts',
    description: 'Of the rules in Prometheus: pending and firing. Silence them in the Alertmanager.',
    unit: 'short',
    width: 8,
    height: 11,
  }),
  timeline({
    title: 'Alerts that fired, and since when',
    description:
      'As the process sees it, which evaluates its alerts by itself, and as Prometheus does by the same table. Where the two differ for long, look at scraping.',
    width: 16,
    height: 11,
    queries: [
      query(
        `${level(metric.alertsFiring, { by: [alert, upstream, plugin] }, 'max')} > 0`,
        `process: ${legendOf([alert])} ${of}`,
      ),
      query(
        level(
          foreign.prometheusAlerts,
          {
            by: ['alertname', upstream, plugin],
            where: firing,
          },
          'max',
        ),
        `Prometheus: {{alertname}} ${of}`,
      ),
    ],
    states: { 1: { text: 'fires', color: 'red' } },
    noValue: 'none fired',
  }),
]);
