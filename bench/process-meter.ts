import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** The kernel's own accounts of a process; only Linux keeps them. */
export const canMeasure = existsSync('/proc/self/schedstat');

/** CPU time of a process so far, all its threads together, in µs. */
export function cpuMicros(pid: number): number {
  let nanos = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    // https://docs.kernel.org/scheduler/sched-stats.html: time on the cpu, time waiting, timeslices
    nanos += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ', 1)[0]);
  }
  return nanos / 1000;
}

export function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}
