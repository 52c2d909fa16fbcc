/** A call that waits for its answer. */
export interface PendingCall {
  readonly id: number;
  /** For people: which callback of what. */
  readonly what: string;
  /** `performance.now()`. */
  deadline: number;
  /** Others that came before it had not begun: it waits for them, and its own time has not begun. */
  isQueued: boolean;
  /** What had begun when it was last looked at. */
  begunBefore: number;
}

interface PendingCallsOptions {
  readonly timeoutMs: number;
  readonly callsMax: number;
  /** The newest call that the thread has begun. */
  readonly begun: Int32Array;
  /** The thread gives no answer; `culprit` is undefined where it hangs outside any call. */
  readonly onHang: (culprit: PendingCall | undefined) => void;
}

/**
 * The calls that one thread owes answers to, and the watch over it. A call that has begun has its time; one
 * that waits in the queue has all of it still to come, as long as the thread takes on others meanwhile: much
 * traffic is no reason to end a thread, standing still is.
 */
export class PendingCalls<C extends PendingCall> {
  readonly #options: PendingCallsOptions;
  /** In the order in which they were made. */
  readonly #calls = new Map<number, C>();
  #last = 0;
  #timer: NodeJS.Timeout | undefined;
  #look: NodeJS.Immediate | undefined;

  constructor(options: PendingCallsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#calls.size;
  }

  get isFull(): boolean {
    return this.#calls.size >= this.#options.callsMax;
  }

  add(make: (call: PendingCall) => C, what: string): C {
    const { timeoutMs } = this.#options;
    const begunBefore = this.#begun;
    const isQueued = begunBefore !== this.#last;
    // It goes round: ids are compared by their distance.
    this.#last = (this.#last + 1) | 0;
    const deadline = performance.now() + timeoutMs;
    const call = make({ id: this.#last, what, deadline, isQueued, begunBefore });
    this.#calls.set(call.id, call);
    this.#timer ??= this.#wait(timeoutMs);
    return call;
  }

  /** Answered: it is owed no longer. Undefined where it was not. */
  take(id: number): C | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call;
  }

  /** All that are owed; nothing is watched any more. */
  takeAll(): C[] {
    clearTimeout(this.#timer);
    clearImmediate(this.#look);
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    return calls;
  }

  get #begun(): number {
    return Atomics.load(this.#options.begun, 0);
  }

  /** One timer for all, not one for each: an answer usually comes in a fraction of a millisecond. */
  #wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      // Answers that came while this process was busy itself are read first.
      this.#look = setImmediate(() => this.#judge(performance.now()));
    }, ms).unref();
  }

  #judge(now: number): void {
    this.#timer = undefined;
    let next = Number.POSITIVE_INFINITY;
    for (const call of this.#calls.values()) {
      if (call.deadline <= now && !this.#mayWaitLonger(call, now)) {
        this.#options.onHang(this.#hasBegun(call) ? call : this.#calls.get(this.#begun));
        return;
      }
      next = Math.min(next, call.deadline);
    }
    if (this.#calls.size > 0) this.#timer = this.#wait(Math.max(1, next - now));
  }

  #mayWaitLonger(call: C, now: number): boolean {
    const begun = this.#begun;
    // It has begun at some moment since the last look: at most from then on it has its time, once.
    const isItsTurn = this.#hasBegun(call) && call.isQueued;
    const othersGoOn = !this.#hasBegun(call) && begun !== call.begunBefore;
    if (!isItsTurn && !othersGoOn) return false;
    if (isItsTurn) call.isQueued = false;
    call.begunBefore = begun;
    call.deadline = now + this.#options.timeoutMs;
    return true;
  }

  #hasBegun({ id }: PendingCall): boolean {
    return ((id - this.#begun) | 0) <= 0;
  }
}
