import { withDeadline } from '../../exchange/deadline.ts';
import type { Limits } from '../../limits.ts';
import type { Logger } from '../../log.ts';
import type { Instruments } from '../../telemetry/metrics/instruments.ts';
import { attribute } from '../../telemetry/names.ts';
import { type Post, post, type Target } from './post.ts';
import { retryDelay } from './retry-delay.ts';

export type DeliveryLimits = Pick<
  Limits,
  'alertSendTimeoutMs' | 'alertSendTriesMax' | 'alertRetryDelayMs' | 'alertRetryDelayMsMax' | 'alertQueueMax'
>;

/** What receivers are made with. */
export interface DeliveryContext {
  readonly limits: DeliveryLimits;
  readonly log: Logger;
  readonly instruments: Pick<Instruments, 'alertNotifications'>;
}

export interface DeliveryQueueOptions extends DeliveryContext {
  /** For the metric. */
  readonly receiver: 'webhook' | 'alertmanager';
  /** For the log: where the configuration has it. */
  readonly name: string;
  readonly target: Target;
}

/** A message that waits to be sent. */
export interface Delivery {
  /** For the log: what it tells, as in `that alert 'cpu' is firing`. */
  readonly what: string;
  /** Made anew for each try: signatures and times of expiry are of the moment. `at` is ms since the epoch. */
  compose(at: number): Post;
}

const stopping = 'the service is stopping';

/** What becomes of a message. */
export const deliveryResults = ['sent', 'failed', 'dropped'] as const;
type Result = (typeof deliveryResults)[number];

/** Sends messages to one receiver, one after the other in their order, each with several tries. */
export class DeliveryQueue {
  readonly #options: DeliveryQueueOptions;
  readonly #waiting: Delivery[] = [];
  readonly #givenUp = new AbortController();
  #sending: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #endPause: () => void = () => undefined;
  /** The last try came to nothing, and the log has it. */
  #isFailing = false;

  constructor(options: DeliveryQueueOptions) {
    this.#options = options;
  }

  /** Nothing waits or is being sent. */
  get isIdle(): boolean {
    return this.#sending === undefined;
  }

  /** Never throws. Where too many wait, the oldest is dropped: the newest state is the one to know. */
  push(delivery: Delivery): void {
    if (this.#stopped) {
      this.#drop(delivery, stopping);
      return;
    }
    if (this.#waiting.length >= this.#options.limits.alertQueueMax) {
      const oldest = this.#waiting.shift();
      if (oldest) this.#drop(oldest, 'too many wait for this receiver');
    }
    this.#waiting.push(delivery);
    this.#sending ??= this.#sendAll();
  }

  /**
   * Takes no more, and sends what waits; what is left at the deadline is dropped and counted. Idempotent; never
   * rejects.
   */
  stop(timeoutMs: number): Promise<void> {
    this.#stopped ??= this.#stop(timeoutMs);
    return this.#stopped;
  }

  async #stop(timeoutMs: number): Promise<void> {
    const sending = this.#sending;
    if (!sending) return;
    this.#endPause();
    try {
      await withDeadline(sending, timeoutMs);
    } catch {
      this.#givenUp.abort();
      this.#endPause();
      await sending;
    }
  }

  async #sendAll(): Promise<void> {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (this.#givenUp.signal.aborted) this.#drop(next, stopping);
      else await this.#send(next);
    }
    this.#sending = undefined;
  }

  async #send(delivery: Delivery): Promise<void> {
    const { limits, target } = this.#options;
    const { signal } = this.#givenUp;
    const options = { timeoutMs: limits.alertSendTimeoutMs, signal };
    for (let tries = 1; ; tries += 1) {
      const wasStopping = this.#stopped !== undefined;
      const answer = await post(target, delivery.compose(Date.now()), options);
      if (answer.isTaken) return this.#succeed();
      if (signal.aborted) return this.#drop(delivery, stopping);
      if (!answer.isWorthRetrying || tries >= limits.alertSendTriesMax) {
        return this.#fail(delivery, tries, answer.problem);
      }
      this.#warn(delivery, answer.problem);
      // When the service begins to stop, there is time for one more try at once rather than for a long wait.
      const isNews = this.#stopped !== undefined && !wasStopping;
      if (!isNews) await this.#pause(retryDelay(tries, answer.retryAfterMs, limits, Math.random()));
    }
  }

  /** Ends early when it is stopped; it alone keeps no process alive. */
  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      timer.unref();
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #succeed(): void {
    this.#count('sent');
    if (!this.#isFailing) return;
    this.#isFailing = false;
    const { log, receiver, name, target } = this.#options;
    log.info({ receiver, address: shown(target) }, `${name} can be told again`);
  }

  /** The last try is minutes away, and who waits for an alert is to know at once: but once, however many tries fail. */
  #warn({ what }: Delivery, problem: string): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    const { log, receiver, name, target } = this.#options;
    log.warn(
      { receiver, address: shown(target), problem },
      `${name} (${shown(target)}) could not be told ${what}: ${problem}; it will be tried again`,
    );
  }

  #fail({ what }: Delivery, tries: number, problem: string): void {
    this.#count('failed');
    this.#isFailing = true;
    const { log, receiver, name, target } = this.#options;
    log.warn(
      { receiver, address: shown(target), tries, problem },
      `${name} could not be told ${what}: ${problem}`,
    );
  }

  #drop({ what }: Delivery, reason: string): void {
    this.#count('dropped');
    const { log, receiver, name, target } = this.#options;
    log.warn({ receiver, address: shown(target), reason }, `${name} was not told ${what}: ${reason}`);
  }

  #count(result: Result): void {
    const { instruments, receiver } = this.#options;
    instruments.alertNotifications.add(1, { [attribute.receiver]: receiver, [attribute.result]: result });
  }
}

/** Scheme, host and port: chat services have their secrets in the path. */
function shown({ url }: Target): string {
  return url.origin;
}
