import { inspect, isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { effectiveThresholds } from '../../src/alerts/effective.ts';
import { ruleName } from '../../src/alerts/rules/rule-name.ts';
import { alertRules } from '../../src/alerts/rules/rules.ts';
import type { ThresholdOverride } from '../../src/alerts/threshold.ts';
import { thresholds } from '../../src/alerts/thresholds.ts';
import { labelName } from '../../src/telemetry/prometheus-names.ts';
import { Alertmanager } from '../support/alertmanager.ts';
import { Prometheus } from '../support/prometheus.ts';
import { waitFor } from '../support/wait-for.ts';
import { WebhookSink } from '../support/webhook-sink.ts';
import { SightlineProcess } from './sightline-process.ts';

interface AlertSceneOptions {
  /** Of thresholds that are looked at; the others are disabled. */
  readonly overrides: Readonly<Record<string, ThresholdOverride>>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly limits?: Readonly<Record<string, number>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly scrapeIntervalMs: number;
}

export type Status = 'firing' | 'resolved';

/** What one of the two watchers has told its webhook: `SightlineErrors`, `SightlineUpstreamUnreachable/spare`. */
interface Told {
  readonly name: string;
  readonly status: Status;
}

const processMessage = z.object({
  status: z.enum(['firing', 'resolved']),
  alert: z.object({ id: z.string(), of: z.string().optional() }),
});
const alertmanagerMessage = z.object({
  alerts: z.array(
    z.object({ status: z.enum(['firing', 'resolved']), labels: z.record(z.string(), z.string()) }),
  ),
});

/** The labels that say whose figure an alert is about. */
const ownLabels = [...new Set(thresholds.flatMap(({ by }) => (by === undefined ? [] : [labelName(by)])))];

/**
 * A service that watches itself, and a Prometheus with an Alertmanager that watch it by the rules of the same
 * thresholds. Each of the two tells a webhook of its own.
 */
export class AlertScene implements AsyncDisposable {
  readonly sightline: SightlineProcess;
  readonly prometheus: Prometheus;
  readonly #sinks: Readonly<Record<Watcher, WebhookSink>>;
  readonly #parts: AsyncDisposableStack;

  private constructor(
    sightline: SightlineProcess,
    prometheus: Prometheus,
    sinks: Readonly<Record<Watcher, WebhookSink>>,
    parts: AsyncDisposableStack,
  ) {
    this.sightline = sightline;
    this.prometheus = prometheus;
    this.#sinks = sinks;
    this.#parts = parts;
  }

  static async start(options: AlertSceneOptions): Promise<AlertScene> {
    const { overrides, config, limits, env = {}, scrapeIntervalMs } = options;
    await using stack = new AsyncDisposableStack();
    const sinks = {
      process: stack.use(await WebhookSink.start()),
      alertmanager: stack.use(await WebhookSink.start()),
    };
    const all = Object.fromEntries(
      // What is over is to be told at once.
      thresholds.map(({ id }) => [
        id,
        { enabled: Object.hasOwn(overrides, id), keepMs: 0, ...overrides[id] },
      ]),
    );
    const sightline = stack.use(
      await SightlineProcess.start({
        config: {
          ...config,
          alerts: { thresholds: all, webhooks: [sinks.process.url] },
          limits: { snapshotIntervalMs: 500, probeIntervalMs: 500, ...limits },
        },
        env,
      }),
    );
    const alertmanager = stack.use(await Alertmanager.start({ webhook: sinks.alertmanager.url }));
    const prometheus = stack.use(
      await Prometheus.start({
        targets: [{ job: 'sightline', url: sightline.adminUrl }],
        scrapeIntervalMs,
        rules: alertRules(effectiveThresholds(all)),
        alertmanagers: [alertmanager.url],
      }),
    );
    return new AlertScene(sightline, prometheus, sinks, stack.move());
  }

  /** Resolves when both watchers have told their webhooks of all of them. */
  async waitUntilTold(status: Status, names: readonly string[]): Promise<void> {
    for (const watcher of watchers) {
      const look = () => {
        const untold = names.filter((name) => !this.told(watcher, status).includes(name));
        if (untold.length > 0) throw new Error(`not told: ${untold.join(', ')}`);
        return true;
      };
      await waitFor(`${watcher}: ${status}`, look, patience);
    }
  }

  /** Resolves when both watchers see these fire at the same moment, and no others, and see about the same figures. */
  async waitUntilFiring(names: readonly string[]): Promise<void> {
    const look = async () => {
      const firing = await this.#firing();
      const [here, there] = [firing.process, firing.alertmanager];
      const isAlike = (name: string) => isAbout(here.get(name), there.get(name));
      const isAll = [here, there].every((seen) => isDeepStrictEqual([...seen.keys()].toSorted(), names));
      if (isAll && names.every(isAlike)) return true;
      throw new Error(`what fires: ${inspect(firing)}`);
    };
    await waitFor(`${names.length} that fire here and there`, look, patience);
  }

  /** Sorted, each once. */
  told(watcher: Watcher, wanted: Status): string[] {
    const all: Told[] = this.#sinks[watcher].bodies.flatMap((body) =>
      watcher === 'process' ? toldByProcess(body) : toldByAlertmanager(body),
    );
    return [...new Set(all.filter(({ status }) => status === wanted).map(({ name }) => name))].toSorted();
  }

  /** What fires at this moment, with its figure. */
  async #firing(): Promise<Readonly<Record<Watcher, ReadonlyMap<string, number>>>> {
    const inProcess = (await this.sightline.alerts()).filter(({ state }) => state === 'firing');
    const inPrometheus = (await this.prometheus.alerts()).filter(({ state }) => state === 'firing');
    return {
      process: new Map(inProcess.map(({ id, of, value }) => [nameOf(id, of), value ?? Number.NaN])),
      alertmanager: new Map(inPrometheus.map(({ labels, value }) => [nameByLabels(labels), Number(value)])),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts[Symbol.asyncDispose]();
  }
}

/** The one looks at other moments than the other: within a fifth of the larger one. */
function isAbout(one = Number.NaN, other = Number.NaN): boolean {
  return Math.abs(one - other) <= 0.2 * Math.max(Math.abs(one), Math.abs(other));
}

/** Windows pass, and the machine may be busy. */
const patience = { timeoutMs: 45_000 };

export const watchers = ['process', 'alertmanager'] as const;
export type Watcher = (typeof watchers)[number];

/** Of the alert of a threshold, about an upstream or a plugin where it looks at several. */
export function nameOf(id: string, of?: string): string {
  return of === undefined ? ruleName(id) : `${ruleName(id)}/${of}`;
}

function toldByProcess(body: unknown): Told[] {
  const { status, alert } = processMessage.parse(body);
  return [{ status, name: nameOf(alert.id, alert.of) }];
}

function toldByAlertmanager(body: unknown): Told[] {
  const { alerts } = alertmanagerMessage.parse(body);
  return alerts.map(({ status, labels }) => ({ status, name: nameByLabels(labels) }));
}

function nameByLabels(labels: Readonly<Record<string, string>>): string {
  const own = ownLabels.map((label) => labels[label]).filter((value) => value !== undefined);
  return [labels.alertname, ...own].join('/');
}
