import { attribute, metric } from '../../src/telemetry/names.ts';
import { faultyReasons } from '../../src/telemetry/sdk/losses.ts';
import { dashboard, row } from './parts/dashboard.ts';
import { thresholdOf, windowOf } from './parts/limits.ts';
import { figure, lines, timeline } from './parts/panels.ts';
import {
  byInstance,
  counted,
  foreign,
  increase,
  legendOf,
  level,
  oneOf,
  orZero,
  quantile,
  rate,
  share,
  sumRate,
} from './parts/promql.ts';
import { minutesQuery, query } from './parts/queries.ts';
import { table } from './parts/table-panel.ts';
import { alerts } from './service-alerts.ts';

const { upstream, signal, reason, receiver, result } = attribute;
const { v8jsHeapSpaceName: heapSpace, v8jsGcType: gcType } = attribute;
const here = legendOf(['instance']);

const cpuCapacity = level(metric.processCpuCapacity, { by: byInstance }, 'max');
/** As the alert measures it. */
const cpuAlike = { by: byInstance, withinMs: thresholdOf('cpu').windowMs };
const cpuShare = `${rate(metric.processCpuTime, cpuAlike)} / ${cpuCapacity}`;

const lost = { where: { [reason]: oneOf(faultyReasons) } };

const now = row('Now', [
  figure({
    title: 'Instances',
    description: 'That report.',
    unit: 'short',
    width: 4,
    queries: [query(`count (${level(metric.processUptime, { by: byInstance }, 'max')})`, 'instances')],
    noValue: '0',
  }),
  figure({
    title: 'Youngest instance',
    description: 'Since it began. Minutes, where nobody deployed: it crashes.',
    unit: 's',
    width: 4,
    queries: [query(level(metric.processUptime, {}, 'min'), 'uptime')],
  }),
  figure({
    title: 'Memory',
    description: 'Physical memory of the largest instance.',
    unit: 'decbytes',
    width: 4,
    queries: [query(level(metric.processMemory, {}, 'max'), 'memory')],
    limit: 'memory',
  }),
  figure({
    title: 'CPU',
    description: 'Of the busiest instance, of what one event loop can have.',
    unit: 'percentunit',
    width: 4,
    queries: [query(`max (${cpuShare})`, 'CPU')],
    limit: 'cpu',
  }),
  figure({
    title: 'Event loop delay',
    description: 'How late timers are in the worst instance, p99: what every stream feels.',
    unit: 's',
    width: 4,
    queries: [query(level(metric.eventLoopDelay, {}, 'max'), 'delay')],
    limit: 'event-loop-delay',
  }),
  figure({
    title: `Lost telemetry within ${windowOf('telemetry-drops')}`,
    description: 'While this is not 0, the other figures are too low.',
    unit: 'short',
    width: 4,
    queries: [query(orZero(increase(metric.droppedTelemetry, lost, windowOf('telemetry-drops'))), 'items')],
    limit: 'telemetry-drops',
  }),
]);

const memory = row('Memory', [
  lines({
    title: 'Memory',
    description: 'Physical memory by instance. Sawteeth are garbage collection; stairs are a leak.',
    unit: 'decbytes',
    width: 8,
    queries: [query(level(metric.processMemory, { by: byInstance }), here)],
    limit: 'memory',
  }),
  lines({
    title: 'Heap by space',
    description: 'In use, summed over instances. A leak of JavaScript grows in `old_space`.',
    unit: 'decbytes',
    width: 8,
    isStacked: true,
    queries: [query(`${level(metric.heapUsed, { by: [heapSpace] })} > 0`, legendOf([heapSpace]))],
  }),
  lines({
    title: 'Time in garbage collection',
    description: 'Share of the time of one thread, by type. Much of `major`: memory is too small.',
    unit: 'percentunit',
    width: 8,
    isStacked: true,
    queries: [query(sumRate(metric.gcDuration, { by: [gcType] }), legendOf([gcType]))],
    noValue: 'none',
  }),
]);

const loop = row('CPU and event loop', [
  lines({
    title: `CPU, over ${windowOf('cpu')}`,
    description: 'Of what one event loop can have: a core, or the share of the cgroup. All threads count.',
    unit: 'percentunit',
    width: 12,
    queries: [query(cpuShare, here)],
    limit: 'cpu',
  }),
  lines({
    title: 'Event loop utilization',
    description: 'How much of the time it was busy. Near 1, add an instance.',
    unit: 'percentunit',
    width: 12,
    max: 1,
    queries: [query(level(metric.eventLoopUtilization, { by: byInstance }, 'max'), here)],
  }),
  lines({
    title: 'Event loop delay p99',
    description:
      'High while CPU is low, and with no long pauses beside it: a plugin blocks it with synchronous work.',
    unit: 's',
    width: 12,
    queries: [query(level(metric.eventLoopDelay, { by: byInstance }, 'max'), here)],
    limit: 'event-loop-delay',
  }),
  lines({
    title: 'Pauses of garbage collection p99',
    description: 'What stops everything for so long.',
    unit: 's',
    width: 12,
    queries: [query(quantile(0.99, metric.gcDuration, { by: [gcType] }), legendOf([gcType]))],
    noValue: 'none',
  }),
]);

const telemetry = row('Can this be believed: telemetry', [
  lines({
    title: `Lost telemetry within ${windowOf('telemetry-drops')}`,
    description: 'By what was lost, and why.',
    unit: 'short',
    width: 8,
    queries: [
      query(
        increase(metric.droppedTelemetry, { by: [signal, reason] }, windowOf('telemetry-drops')),
        legendOf([signal, reason]),
      ),
    ],
    limit: 'telemetry-drops',
    noValue: 'none',
  }),
  lines({
    title: 'Queue of spans',
    description: 'How full it is. What finds no room is lost: a collector that is slow, or away.',
    unit: 'percentunit',
    width: 8,
    max: 1,
    queries: [
      query(
        share(
          level(foreign.spanQueueSize, { by: byInstance }),
          level(foreign.spanQueueCapacity, { by: byInstance }),
        ),
        here,
      ),
    ],
    noValue: 'no spans are exported',
  }),
  lines({
    title: 'Messages about alerts',
    description:
      'To webhooks and Alertmanagers, how many in the minutes before: `failed` after all tries, `dropped` from the queue.',
    unit: 'short',
    width: 8,
    queries: [
      minutesQuery(
        counted(metric.alertNotifications, { by: [receiver, result] }),
        legendOf([receiver, result]),
      ),
    ],
    noValue: 'none sent',
  }),
]);

const upstreams = row('Upstreams', [
  timeline({
    title: 'Upstreams that do not answer, by instance',
    description: 'No answer to one instance alone: its network. To all: the backend.',
    width: 12,
    queries: [
      query(
        `${level(metric.upstreamUp, { by: [upstream, 'instance'] }, 'min')} == 0`,
        legendOf([upstream, 'instance']),
      ),
    ],
    states: { 0: { text: 'no answer', color: 'red' } },
    limit: 'upstream-unreachable',
    noValue: 'all answer, or none is probed',
  }),
  lines({
    title: 'Certificates of upstreams',
    description: 'Until they end; below zero since they have.',
    unit: 's',
    width: 12,
    isSigned: true,
    queries: [query(level(metric.upstreamCertificate, { by: [upstream] }, 'min'), legendOf([upstream]))],
    limit: 'certificate',
    noValue: 'no upstream over TLS',
  }),
]);

const instances = row('Which versions run', [
  table({
    title: 'Instances',
    description: 'Each process that reports, what it runs on, and since when.',
    width: 24,
    rows: {
      job: 'Job',
      instance: 'Instance',
      'service.version': 'Version',
      'process.runtime.version': 'Node.js',
      'host.name': 'Host',
      'process.pid': 'Process',
    },
    columns: [
      {
        title: 'Up for',
        unit: 's',
        expression: described(level(metric.processUptime, { by: byInstance }, 'max')),
      },
      {
        title: 'Memory',
        unit: 'decbytes',
        expression: described(level(metric.processMemory, { by: byInstance }, 'max')),
      },
      { title: 'CPU', unit: 'percentunit', expression: described(cpuShare) },
      {
        // The limit of the cgroup, where there is one; else what one event loop can use.
        title: 'CPUs it may use',
        unit: 'short',
        expression: described(
          `${level(metric.processCpuLimit, { by: byInstance }, 'max')} or ${cpuCapacity}`,
        ),
      },
    ],
    sortBy: 'Up for',
  }),
]);

/** The figure of each instance, with what the instance says of itself. */
function described(figures: string): string {
  const said = ['service.version', 'process.runtime.version', 'host.name', 'process.pid'];
  const info = level(foreign.targetInfo, { by: [...byInstance, ...said] }, 'max');
  return `${info} * on (job, instance) group_left () (${figures})`;
}

export function service() {
  return dashboard({
    id: 'service',
    title: 'Sightline: Service',
    description:
      'The processes themselves: alerts, memory, CPU, event loop, telemetry, and what they depend on.',
    rows: [alerts, now, memory, loop, telemetry, upstreams, instances],
  });
}
