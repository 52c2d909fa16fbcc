import { basename, resolve } from 'node:path';
import { type RunningProcess, runProcess } from '../test/support/run-process.ts';
import { nodeOn } from './cores.ts';

/** A proxy under measurement, as it is to be started. */
export interface Plan {
  readonly name: string;
  readonly what: string;
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** Replies do not come byte for byte as the backend sent them. */
  readonly redacts?: boolean;
}

/** … and as it runs. */
export interface Subject {
  readonly plan: Plan;
  readonly pid: number;
  readonly origin: URL;
  /** Sightline's admin plane. */
  readonly admin: URL | undefined;
}

/** Its ratio to itself is 1. */
export const unitName = 'bare';

const here = import.meta.dirname;
const sightline = resolve(here, '../src/main.ts');

/** In the order of the table. `against`: other checkouts of Sightline, to compare with. */
export function plansFor(against: readonly string[]): Plan[] {
  const bare = resolve(here, 'proxies/bare.ts');
  const nodeFetch = resolve(here, 'proxies/express-node-fetch.ts');
  const off = { OTEL_SDK_DISABLED: 'true' };
  const redact = { SIGHTLINE_CONFIG: resolve(here, 'redact.yaml') };
  const plans: Plan[] = [
    { name: unitName, what: 'node:http, no telemetry', script: bare, env: {} },
    { name: 'sightline', what: 'as it starts, OTLP to a collector', script: sightline, env: {} },
    { name: 'sightline-off', what: 'OTEL_SDK_DISABLED=true', script: sightline, env: off },
    {
      name: 'sightline-plugin',
      what: 'with a plugin: middleware, hook, metric',
      script: sightline,
      env: { SIGHTLINE_PLUGINS: resolve(here, 'a-plugin') },
    },
    {
      name: 'sightline-redact',
      what: 'with a middleware that rewrites',
      script: sightline,
      env: redact,
      redacts: true,
    },
    { name: 'node-fetch', what: 'Express, no telemetry', script: nodeFetch, env: {} },
  ];
  for (const folder of against) {
    const script = resolve(folder, 'src/main.ts');
    plans.push({ name: `against-${basename(folder)}`, what: folder, script, env: {} });
  }
  return plans;
}

/** Starts a script on a core, and resolves with it and the addresses that its first line names. */
export async function startScript(
  script: string,
  core: number | undefined,
  env: NodeJS.ProcessEnv,
): Promise<{ process: RunningProcess; urls: URL[] }> {
  const [command, args] = nodeOn(core, [script]);
  const running = runProcess(command, args, { env: { ...withoutSettings(), ...env }, cwd: here });
  const { input: line } = await running.waitForLine(/http:\/\/\S+:\d+/);
  // Sightline writes a line for each request.
  running.ignoreOutput();
  return { process: running, urls: (line.match(/http:\/\/\S+:\d+/g) ?? []).map((url) => new URL(url)) };
}

export async function startSubject(plan: Plan, backend: URL, core: number | undefined): Promise<Subject> {
  const { process, urls } = await startScript(plan.script, core, {
    NODE_ENV: 'production',
    UPSTREAM: backend.origin,
    SIGHTLINE_UPSTREAM: backend.origin,
    SIGHTLINE_HOST: '127.0.0.1',
    SIGHTLINE_PORT: '0',
    SIGHTLINE_ADMIN_PORT: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: backend.origin,
    ...plan.env,
  });
  const [origin, admin] = urls;
  if (!origin) throw new Error(`${plan.name} named no address`);
  return { plan, pid: process.pid, origin, admin: plan.script.endsWith('src/main.ts') ? admin : undefined };
}

/** What somebody has set in the shell must not decide what is measured. */
function withoutSettings(): NodeJS.ProcessEnv {
  const ours = Object.keys(process.env).filter((name) => /^(?:OTEL|SIGHTLINE)_/.test(name));
  return Object.fromEntries(ours.map((name) => [name, undefined]));
}
