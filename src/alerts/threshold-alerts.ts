import type { Figure } from '../snapshots/snapshot.ts';
import type { Alert } from './alert.ts';
import { type AlertStatus, type Finding, inactiveSince, nextStatus } from './state-machine.ts';
import type { Threshold } from './threshold.ts';

type Moment = Omit<Finding, 'isBeyond'>;

interface Entry {
  readonly status: AlertStatus;
  readonly alert: Alert;
}

/** The alerts of one threshold: one, or one for each upstream or plugin that it has a figure of. */
export class ThresholdAlerts {
  readonly threshold: Threshold;
  readonly #initial: AlertStatus;
  readonly #entries = new Map<Figure['of'], Entry>();

  /** @param at ms since the epoch. */
  constructor(threshold: Threshold, at: number) {
    this.threshold = threshold;
    this.#initial = inactiveSince(at);
  }

  /** One at least: that of a threshold that has no figure is inactive. */
  get all(): readonly Alert[] {
    const alerts = [...this.#entries.values()].map(({ alert }) => alert);
    return alerts.length > 0 ? alerts : [this.#alert(undefined, this.#initial)];
  }

  /** Returns those that begin to fire, or are resolved, with this evaluation. */
  evaluate(figures: readonly Figure[], moment: Moment): Alert[] {
    const values = new Map(figures.map(({ of, value }) => [of, value]));
    // What was there and is no longer, such as an unloaded plugin, is not beyond its limit either.
    const all = new Set([...this.#entries.keys(), ...values.keys()]);
    return [...all].flatMap((of) => this.#evaluateOne(of, values.get(of), moment) ?? []);
  }

  #evaluateOne(of: Figure['of'], value: number | undefined, moment: Moment): Alert | undefined {
    const before = this.#entries.get(of)?.status ?? this.#initial;
    const finding = { ...moment, isBeyond: this.#isBeyond(value) };
    const status = nextStatus(before, finding, this.threshold);
    const alert = this.#alert(of, status, value);
    const isGone = of !== undefined && value === undefined && status.state === 'inactive';
    if (isGone) this.#entries.delete(of);
    else this.#entries.set(of, { status, alert });
    const isNews =
      status.state !== before.state && (status.state === 'firing' || status.state === 'resolved');
    return isNews ? alert : undefined;
  }

  #isBeyond(value: number | undefined): boolean {
    if (value === undefined) return false;
    const { comparison, limit } = this.threshold;
    return comparison === 'above' ? value > limit : value < limit;
  }

  /** Frozen: hooks and callbacks get it as it is. */
  #alert(of: Figure['of'], { state, since, firedAt, withinSince }: AlertStatus, value?: number): Alert {
    const { id, title, comparison, limit, unit, severity, summary, action } = this.threshold;
    return Object.freeze({
      id,
      title,
      of,
      state,
      value,
      comparison,
      limit,
      unit,
      severity,
      summary,
      action,
      since,
      firedAt,
      withinSince,
    });
  }
}
