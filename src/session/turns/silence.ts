import { SightlineError } from '../../errors.ts';
import type { Limits } from '../../limits.ts';
import type { SessionControl } from '../session-reader.ts';

/** What an upstream owes: a turn that was asked for and has not begun, or more of one that has. */
export type Expected = 'begin' | 'part';

/** Ends a session whose upstream says nothing for too long while a turn waits for it, and somebody listens. */
export class Silence {
  readonly #limits: Pick<Limits, 'replyHeadTimeoutMs' | 'replyIdleTimeoutMs'>;
  readonly #control: SessionControl;
  #expected: Expected | undefined;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: Pick<Limits, 'replyHeadTimeoutMs' | 'replyIdleTimeoutMs'>, control: SessionControl) {
    this.#limits = limits;
    this.#control = control;
  }

  /** The upstream has said something, whatever it was. */
  heard(at: number): void {
    this.#since = at;
  }

  /** Told whenever it may have changed; asking again and again does not put off the end. */
  expect(expected: Expected | undefined, at: number): void {
    if (expected === this.#expected) return;
    if (this.#expected === undefined) this.#since = Math.max(this.#since, at);
    this.#expected = expected;
    clearTimeout(this.#timer);
    if (expected) this.#wait(this.#limitMs(expected));
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#check(), ms);
  }

  /** Not started anew at each message, but when it fires: messages are many, and silence is rare. */
  #check(): void {
    if (!this.#expected) return;
    const limitMs = this.#limitMs(this.#expected);
    // What a slow client holds up is not silence.
    const since = Math.max(this.#since, this.#control.readSince('upstream'));
    const leftMs = since + limitMs - performance.now();
    if (leftMs > 0) this.#wait(Math.min(leftMs, limitMs));
    else this.#control.fail(new SightlineError('upstream_timeout'));
  }

  #limitMs(expected: Expected): number {
    return expected === 'part' ? this.#limits.replyIdleTimeoutMs : this.#limits.replyHeadTimeoutMs;
  }
}
