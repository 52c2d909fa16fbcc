import { resolve } from 'node:path';
import { findCores, pinSelf } from './cores.ts';
import { type AddedLatency, addedLatency, latencyTitle } from './latency.ts';
import { type Effort, readOptions, usage } from './options.ts';
import { canMeasure, residentMegabytes } from './process-meter.ts';
import { inTurn, quantile, ratios } from './rounds.ts';
import { plansFor, type Subject, startScript, startSubject, unitName } from './subjects.ts';
import { table } from './table.ts';
import { telemetryState } from './telemetry-state.ts';
import { verify } from './verify.ts';
import { cpuPerUnit, type Workload, warm, workloads } from './workloads.ts';

/** Whatever hangs, the benchmark does not. */
const benchMaxMs = 15 * 60_000;

const say = (text: string) => process.stdout.write(`${text}\n`);

const latency = { name: 'latency' } as const;

/** A subject's slices of one workload. */
interface CpuColumn {
  readonly workload: Workload;
  readonly micros: Map<Subject, number[]>;
}

async function main(): Promise<void> {
  const measures = [...workloads, latency];
  const options = readOptions((against) => [...measures, ...plansFor(against)].map(({ name }) => name));
  if (options.help) return void say(usage);
  if (!canMeasure) throw new Error('CPU time is read from /proc/PID/task/*/schedstat: this needs Linux');
  const cores = findCores();
  if (cores) pinSelf(cores.rest);
  say(
    cores
      ? `Subjects on core ${cores.subject}; generator, backend and collector on core ${cores.rest}.`
      : 'Not pinned (no taskset, or one core only): the figures scatter more.',
  );

  const backend = await startBackend(cores?.rest);
  const plans = plansFor(options.against);
  const wanted = options.choose(plans);
  const subjects = await Promise.all(
    plans
      .filter((plan) => plan.name === unitName || wanted.includes(plan))
      .map((plan) => startSubject(plan, backend, cores?.subject)),
  );
  const chosen = options.choose(measures);
  const columns: CpuColumn[] = [];
  for (const workload of workloads.filter((one) => chosen.includes(one))) {
    columns.push(await measureCpu(subjects, backend, workload, options.effort));
  }
  let added: Map<Subject, AddedLatency> | undefined;
  if (chosen.includes(latency)) {
    say(`latency: ${latencyTitle} …`);
    added = await addedLatency(subjects, backend, options.effort.latency);
  }
  report(subjects, columns, added);
  for (const subject of subjects) {
    const state = await telemetryState(subject);
    if (state !== undefined) say(state);
  }
}

async function startBackend(core: number | undefined): Promise<URL> {
  const { urls } = await startScript(resolve(import.meta.dirname, 'backend.ts'), core, {});
  const [backend] = urls;
  if (!backend) throw new Error('the backend named no address');
  return backend;
}

async function measureCpu(
  subjects: readonly Subject[],
  backend: URL,
  workload: Workload,
  { warmReplies, ...slices }: Effort,
): Promise<CpuColumn> {
  const { rounds, ms } = slices[workload.name];
  say(`${workload.name}: ${workload.title}; ${rounds} slices of ${ms / 1000} s each …`);
  for (const subject of subjects) await verify(subject, workload.ask, backend);
  for (const subject of subjects) await warm(subject, workload, warmReplies / workload.unitsPerReply);
  const micros = await inTurn(subjects, rounds, (subject) => cpuPerUnit(subject, workload, ms));
  return { workload, micros };
}

function report(
  subjects: readonly Subject[],
  columns: readonly CpuColumn[],
  added: ReadonlyMap<Subject, AddedLatency> | undefined,
): void {
  const head = [
    'subject',
    '',
    ...columns.flatMap(({ workload }) => [`µs/${workload.unit}`, `× ${unitName}`, 'quartiles']),
    ...(added ? ['p50 +ms', 'p99 +ms'] : []),
    'RSS MB',
  ];
  const rows = subjects.map((subject) => [
    subject.plan.name,
    subject.plan.what,
    ...columns.flatMap(({ micros }) => cpuCells(subject, subjects, micros)),
    ...latencyCells(added?.get(subject)),
    residentMegabytes(subject.pid).toFixed(0),
  ]);
  say(`\n${table([head, ...rows])}\n`);
}

function cpuCells(
  subject: Subject,
  subjects: readonly Subject[],
  micros: ReadonlyMap<Subject, number[]>,
): string[] {
  const unit = subjects.find(({ plan }) => plan.name === unitName);
  const own = micros.get(subject) ?? [];
  const perRound = ratios(own, (unit && micros.get(unit)) ?? []);
  const share = (at: number) => quantile(perRound, at).toFixed(2);
  return [quantile(own, 0.5).toFixed(1), share(0.5), `${share(0.25)}–${share(0.75)}`];
}

function latencyCells(added: AddedLatency | undefined): string[] {
  return added ? [added.p50.toFixed(2), added.p99.toFixed(2)] : [];
}

const guard = setTimeout(() => {
  process.stderr.write(`bench: not done after ${benchMaxMs / 60_000} minutes\n`);
  process.exit(1);
}, benchMaxMs);
try {
  await main();
} catch (thrown) {
  process.stderr.write(`bench: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.exitCode = 1;
}
clearTimeout(guard);
// The subjects are ended with it.
process.exit();
