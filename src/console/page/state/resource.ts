import { type Signal, signal } from '@preact/signals';
import { ApiError } from './api.ts';

export type Fetch = <Answer>(path: string, signal: AbortSignal) => Promise<Answer>;

/**
 * What a path of the service answers. One call at a time: whoever asks again meanwhile gets the answer of one more
 * call, however often that was. Who asks for another path aborts the call. What was there stays until there is more.
 */
export class Resource<Answer> {
  readonly data: Signal<Answer | undefined> = signal(undefined);
  readonly error: Signal<ApiError | undefined> = signal(undefined);
  /** This path has answered nothing yet. */
  readonly isLoading: Signal<boolean> = signal(false);
  readonly #fetch: Fetch;
  #path: string | undefined;
  #call: AbortController | undefined;
  #isAskedAgain = false;

  constructor(fetch: Fetch) {
    this.#fetch = fetch;
  }

  /** Asks, also for a path that was asked for before. `undefined`: nothing is wanted now. */
  want(path: string | undefined): void {
    if (path !== this.#path) this.#turnTo(path);
    if (path === undefined) return;
    if (this.#call) this.#isAskedAgain = true;
    else void this.#ask(path);
  }

  /** Aborts what is under way. It can be used again. Idempotent. */
  close(): void {
    this.#turnTo(undefined);
  }

  #turnTo(path: string | undefined): void {
    this.#call?.abort();
    this.#call = undefined;
    this.#isAskedAgain = false;
    this.#path = path;
    this.isLoading.value = path !== undefined;
  }

  async #ask(path: string): Promise<void> {
    const call = new AbortController();
    this.#call = call;
    const answer = await this.#fetch<Answer>(path, call.signal).catch(asError);
    // Another path is wanted by now.
    if (this.#call !== call) return;
    this.#call = undefined;
    this.isLoading.value = false;
    if (answer instanceof ApiError) this.error.value = answer;
    else {
      this.data.value = answer;
      this.error.value = undefined;
    }
    if (!this.#isAskedAgain) return;
    this.#isAskedAgain = false;
    await this.#ask(path);
  }
}

function asError(thrown: unknown): ApiError {
  return thrown instanceof ApiError ? thrown : new ApiError(0, { code: 'unknown', message: String(thrown) });
}
