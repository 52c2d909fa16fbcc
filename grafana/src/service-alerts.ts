import { attribute, metric } from '../../src/telemetry/names.ts';
import { row } from './parts/dashboard.ts';
import { alertList, timeline } from './parts/panels.ts';
import { foreign, is, legendOf, level } from './parts/promql.ts';
import { query } from './parts/queries.ts';

const { alert, upstream, plugin } = attribute;

export const alerts = row('What is the matter', [
  alertList({
    title: 'Alerts',
    description: 'Of the rules in Prometheus: pending and firing. Silence them in the Alertmanager.',
    unit: 'short',
    width: 8,
    height: 11,
  }),
  timeline({
    title: 'Since when, as the process sees it',
    description: 'The process evaluates its alerts by itself, also where nothing scrapes it.',
    width: 8,
    height: 11,
    queries: [
      query(
        level(metric.alertsFiring, { by: [alert, upstream, plugin] }, 'max'),
        legendOf([alert, upstream, plugin]),
      ),
    ],
    states: { 0: { text: 'quiet', color: 'green' }, 1: { text: 'fires', color: 'red' } },
    noValue: 'no alerts',
  }),
  timeline({
    title: 'Since when, as Prometheus sees it',
    description: 'The same table of alerts, as rules. Where the two differ for long, look at scraping.',
    width: 8,
    height: 11,
    queries: [
      query(
        level(
          foreign.prometheusAlerts,
          {
            by: ['alertname', upstream, plugin],
            where: { alertname: '=~"Sightline.+"', alertstate: is('firing') },
          },
          'max',
        ),
        legendOf(['alertname', upstream, plugin]),
      ),
    ],
    states: { 1: { text: 'fires', color: 'red' } },
    noValue: 'none fires',
  }),
]);
