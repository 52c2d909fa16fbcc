import type { Figure } from '../snapshots/snapshot.ts';
import type { Alert } from './alert.ts';
import { type AlertStatus, inactiveSince, nextStatus } from './state-machine.ts';
import type { Threshold } from './threshold.ts';

/** The alerts of one threshold: one, or one for each upstream or plugin that it has a figure of. */
export class ThresholdAlerts {
  readonly threshold: Threshold;
  readonly #initial: AlertStatus;
  readonly #alerts = new Map<Figure['of'], Alert>();

  /** @param at ms since the epoch. */
  constructor(threshold: Threshold, at: number) {
    this.threshold = threshold;
    this.#initial = inactiveSince(at);
  }

  /** One at least: that of a threshold that has no figure is inactive. */
  get all(): readonly Alert[] {
    return this.#alerts.size > 0 ? [...this.#alerts.values()] : [this.#alert(undefined, this.#initial)];
  }

  /** Returns those that begin to fire, or are resolved, with this evaluation. */
  evaluate(figures: readonly Figure[], at: number): Alert[] {
    const values = new Map(figures.map(({ of, value }) => [of, value]));
    // What was there and is no longer, such as an unloaded plugin, is not beyond its limit either.
    const all = new Set([...this.#alerts.keys(), ...values.keys()]);
    return [...all].flatMap((of) => this.#evaluateOne(of, values.get(of), at) ?? []);
  }

  #evaluateOne(of: Figure['of'], value: number | undefined, at: number): Alert | undefined {
    const before: AlertStatus = this.#alerts.get(of) ?? this.#initial;
    const after = nextStatus(before, { at, isBeyond: this.#isBeyond(value) }, this.threshold.holdMs);
    const alert = this.#alert(of, after, value);
    const isGone = of !== undefined && value === undefined && after.state === 'inactive';
    if (isGone) this.#alerts.delete(of);
    else this.#alerts.set(of, alert);
    const isNews = after.state !== before.state && (after.state === 'firing' || after.state === 'resolved');
    return isNews ? alert : undefined;
  }

  #isBeyond(value: number | undefined): boolean {
    if (value === undefined) return false;
    const { comparison, limit } = this.threshold;
    return comparison === 'above' ? value > limit : value < limit;
  }

  /** Frozen: hooks and callbacks get it as it is. */
  #alert(of: Figure['of'], { state, since, firedAt }: AlertStatus, value?: number): Alert {
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
    });
  }
}
