import type { Chart, WindowOf } from './charts.ts';
import { averageOver, each, sumOver } from './figures.ts';
import { dashes } from './pattern.ts';
import { windowInWords } from './units.ts';

/* What the process needs for it, and what it loses. */

export const memory: Chart = {
  id: 'memory',
  title: 'Memory',
  unit: 'MB',
  series: [
    {
      label: 'Resident',
      figure: each((snapshot) => snapshot.memory.rssMb),
      colour: '--series-1',
      field: 'memory.rssMb',
    },
    {
      label: 'Heap',
      figure: each((snapshot) => snapshot.memory.heapMb),
      colour: '--series-2',
      dash: dashes.dashed,
    },
  ],
};

export function cpu(windowOf: WindowOf): Chart {
  const windowMs = windowOf('cpu.capacityPercent');
  return {
    id: 'cpu',
    title: 'CPU',
    unit: '%',
    series: [
      {
        label: 'Of one core',
        figure: each((snapshot) => snapshot.cpu?.processPercent),
        colour: '--series-1',
      },
      {
        label: "Of the cgroup's share",
        figure: each((snapshot) => snapshot.cpu?.sharePercent),
        colour: '--series-2',
        dash: dashes.dashed,
        isOptional: true,
      },
      {
        label: `Of one event loop, over ${windowInWords(windowMs)}`,
        figure: averageOver(windowMs, (snapshot) => snapshot.cpu?.capacityPercent),
        colour: '--series-5',
        dash: dashes.dotted,
        field: 'cpu.capacityPercent',
        windowMs,
      },
    ],
  };
}

export const eventLoop: Chart = {
  id: 'event-loop',
  title: 'Event loop',
  unit: 'ms',
  rightUnit: 'ratio',
  series: [
    {
      label: 'Delay, p99',
      figure: each((snapshot) => snapshot.eventLoop?.delayP99Ms),
      colour: '--series-1',
      field: 'eventLoop.delayP99Ms',
    },
    {
      label: 'Utilization (right)',
      figure: each((snapshot) => snapshot.eventLoop?.utilization),
      colour: '--series-2',
      dash: dashes.dashed,
      axis: 'right',
    },
  ],
};

export function telemetry(windowOf: WindowOf): Chart {
  const windowMs = windowOf('telemetryDropped');
  return {
    id: 'telemetry',
    title: 'Lost telemetry',
    unit: 'count',
    series: [
      {
        label: `Items in ${windowInWords(windowMs)}`,
        figure: sumOver(windowMs, ({ telemetryDropped }) => telemetryDropped),
        colour: '--bad',
        field: 'telemetryDropped',
        windowMs,
        isOptional: true,
      },
    ],
  };
}
