import { describeError } from '../errors.ts';
import type { HookSystem } from '../hooks/hook-system.ts';
import type { Limits } from '../limits.ts';
import type { Logger } from '../log.ts';
import type { CollectorClock, MetricsCollector } from '../snapshots/metrics-collector.ts';
import type { Snapshot } from '../snapshots/snapshot.ts';
import type { Instruments } from '../telemetry/metrics/instruments.ts';
import { lineKey, logEvent } from '../telemetry/names.ts';
import type { Alert, AlertState } from './alert.ts';
import { figuresOf } from './figures.ts';
import { observeFiring } from './observe-firing.ts';
import { notificationOf, type Receiver, type ServiceIdentity } from './receivers/notification.ts';
import type { Threshold } from './threshold.ts';
import { ThresholdAlerts } from './threshold-alerts.ts';
import { firesInWords, resolvedInWords } from './wording.ts';

export interface AlertsOptions {
  readonly thresholds: readonly Threshold[];
  readonly collector: Pick<MetricsCollector, 'onSnapshot' | 'over'>;
  /** Those of the service, for callbacks of the embedding program. */
  readonly hooks: HookSystem;
  /** Those that are told: of the service and of the current generation of plugins. */
  readonly currentHooks: () => HookSystem;
  readonly receivers: readonly Receiver[];
  readonly identity: ServiceIdentity;
  readonly instruments: Pick<Instruments, 'alertsFiring'>;
  readonly limits: Pick<Limits, 'flushTimeoutMs' | 'labelValuesMax' | 'snapshotIntervalMs'>;
  readonly log: Logger;
  readonly clock?: CollectorClock;
}

const systemClock: CollectorClock = { now: () => Date.now(), steady: () => performance.now() };

/**
 * The longest time from one look to the next that counts as looked at. A process that was paused, or a machine that
 * slept, knows of one moment before and one after: that is no hold time in which a figure was beyond its limit.
 */
const intervalsMax = 2;

/** As one wants to see them. */
const order: Readonly<Record<AlertState, number>> = { firing: 0, pending: 1, resolved: 2, inactive: 3 };

/**
 * Holds the service's own figures against the thresholds, with each snapshot, and tells who asked for it when an
 * alert fires or is resolved: the log, hooks, receivers. What is known goes with the process: after a restart
 * every alert begins as inactive.
 */
export class Alerts {
  readonly #options: AlertsOptions;
  readonly #clock: CollectorClock;
  readonly #thresholds: readonly ThresholdAlerts[];
  #evaluatedAt: number | undefined;
  /** The same moment on the clock that is never set. */
  #evaluatedSteadyMs: number | undefined;
  /** For how long it was looked, in all. */
  #watchedMs = 0;
  #stopWatching: (() => void) | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: AlertsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const now = this.#clock.now();
    this.#thresholds = options.thresholds.map((threshold) => new ThresholdAlerts(threshold, now));
    observeFiring(options.instruments.alertsFiring, this.#thresholds, options.limits);
  }

  /** Idempotent; does nothing once stopped. */
  start(): void {
    if (this.#stopped || this.#stopWatching) return;
    this.#stopWatching = this.#options.collector.onSnapshot(() => this.#evaluate());
  }

  /**
   * Evaluates no more; what waits to be sent has until the deadline. Nothing is said of alerts that still fire:
   * that nobody looks any more does not resolve them. Idempotent, safe before `start`; never rejects.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopWatching?.();
    const { receivers, limits } = this.#options;
    await Promise.all(receivers.map((receiver) => receiver.stop(limits.flushTimeoutMs)));
  }

  /**
   * Every threshold with its state, for each upstream or plugin that it looks at: those that fire first, of them the
   * critical ones.
   */
  get all(): readonly Alert[] {
    const rank = ({ state, severity }: Alert) => 2 * order[state] + (severity === 'critical' ? 0 : 1);
    return this.#thresholds.flatMap(({ all }) => all).toSorted((a, b) => rank(a) - rank(b));
  }

  /** What they look at: those of the configuration. */
  get thresholds(): readonly Threshold[] {
    return this.#options.thresholds;
  }

  /** When they were evaluated last, ms since the epoch: nothing newer is known. Undefined before the first time. */
  get evaluatedAt(): number | undefined {
    return this.#evaluatedAt;
  }

  /** Calls back when an alert begins to fire, and when it is resolved, as a hook would. Returns the remover. */
  onTransition(callback: (alert: Alert) => unknown): () => void {
    const { hooks } = this.#options;
    const removers = [
      hooks.registerHook('alert.fired', ({ alert }) => callback(alert)),
      hooks.registerHook('alert.resolved', ({ alert }) => callback(alert)),
    ];
    return () => {
      for (const remove of removers) remove();
    };
  }

  /** Never throws: it runs in the collector's timer. */
  #evaluate(): void {
    // Not the snapshot's own time, which goes on in steps of 1 ms where the clock was set back.
    const moment = { at: this.#clock.now(), watchedMs: this.#watch() };
    this.#evaluatedAt = moment.at;
    const windows = new Map<number, Snapshot | undefined>();
    for (const one of this.#thresholds) {
      try {
        const { windowMs } = one.threshold;
        if (!windows.has(windowMs)) windows.set(windowMs, this.#options.collector.over(windowMs));
        const snapshot = windows.get(windowMs);
        const figures = snapshot ? figuresOf(one.threshold, snapshot) : [];
        for (const alert of one.evaluate(figures, moment)) this.#tell(alert, one.threshold);
      } catch (thrown) {
        const { id } = one.threshold;
        this.#options.log.error(
          { alert: id, ...describeError(thrown) },
          `alert '${id}' could not be evaluated`,
        );
      }
    }
  }

  /** One more look. Returns for how long it was looked, in all. */
  #watch(): number {
    const steadyMs = this.#clock.steady();
    const sinceMs = steadyMs - (this.#evaluatedSteadyMs ?? steadyMs);
    this.#evaluatedSteadyMs = steadyMs;
    this.#watchedMs += Math.min(sinceMs, intervalsMax * this.#options.limits.snapshotIntervalMs);
    return this.#watchedMs;
  }

  #tell(alert: Alert, threshold: Threshold): void {
    const { log, currentHooks, receivers, identity } = this.#options;
    const { id, of, state, value, limit, unit, severity, summary, action } = alert;
    const fields = { alert: id, of, value, limit, unit, severity, summary, action };
    const record = { [lineKey.event]: logEvent.alert, ...fields };
    if (state !== 'firing') log.info(record, resolvedInWords(alert));
    else if (severity === 'critical') log.error(record, firesInWords(alert, threshold));
    else log.warn(record, firesInWords(alert, threshold));
    currentHooks().notify(state === 'firing' ? 'alert.fired' : 'alert.resolved', { alert });
    if (receivers.length === 0) return;
    const notification = notificationOf(alert, threshold, identity);
    for (const receiver of receivers) receiver.notify(notification);
  }
}
