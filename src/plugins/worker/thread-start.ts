import { PluginProblem } from '../problem.ts';
import { revivedProblem } from './plain-error.ts';
import type { FromThread, Registered, ToThread } from './protocol.ts';

export interface PluginIdentity {
  readonly name: string;
  readonly version: string;
}

/** What a thread's plugin turned out to be. */
export interface ThreadPlugin extends PluginIdentity, Registered {}

interface ThreadStartOptions {
  readonly file: string;
  readonly timeoutMs: number;
  /** Raw, for the plugin of this name. */
  readonly config: (plugin: string) => unknown;
  readonly post: (message: ToThread) => void;
  readonly onEvaluated: (identity: PluginIdentity) => void;
  /** It is ready: what it does from now on are calls. */
  readonly onReady: () => void;
  /** It will never be ready. */
  readonly onFailed: (reason: string) => void;
}

const hasFailed = {
  evaluate: 'Its module was not evaluated',
  config: 'Its config was not checked',
  initialize: 'initialize did not come to its end',
} as const;

/** What a thread says, and is told, until its plugin is initialized. */
export class ThreadStart {
  readonly #options: ThreadStartOptions;
  readonly #plugin = Promise.withResolvers<ThreadPlugin>();
  #step: keyof typeof hasFailed = 'evaluate';
  #identity: PluginIdentity | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  #isReady = false;

  constructor(options: ThreadStartOptions) {
    this.#options = options;
  }

  /** Rejects with a `PluginProblem`. */
  get plugin(): Promise<ThreadPlugin> {
    return this.#plugin.promise;
  }

  get identity(): PluginIdentity | undefined {
    return this.#identity;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  take(message: FromThread): void {
    if (this.#isOver) return;
    switch (message.kind) {
      case 'step':
        this.#step = message.step;
        // From when its code begins to run: the start of the thread itself is not the plugin's.
        if (message.step === 'evaluate') this.#watch();
        break;
      case 'evaluated':
        this.#evaluated(message);
        break;
      case 'ready':
        if (!this.#identity) return;
        this.#close();
        this.#isReady = true;
        this.#options.onReady();
        this.#plugin.resolve({ ...this.#identity, ...message.registered });
        break;
      case 'refused':
        this.#refuse(revivedProblem(message.problem));
        break;
    }
  }

  /** The thread has ended. Nothing where it had told already what became of the start. */
  ended(reason: string, error: Error | undefined): void {
    if (this.#isOver) return;
    this.#close();
    const message = `${hasFailed[this.#step]}: ${reason}, and its thread was ended`;
    this.#plugin.reject(new PluginProblem(this.#step, message, { file: this.#options.file }, error));
  }

  #watch(): void {
    const { timeoutMs, onFailed } = this.#options;
    this.#timer = setTimeout(() => onFailed(`it gave no answer within ${timeoutMs} ms`), timeoutMs);
  }

  #evaluated({ name, version }: PluginIdentity): void {
    const { config, post, onEvaluated, file } = this.#options;
    this.#step = 'config';
    this.#identity = { name, version };
    onEvaluated(this.#identity);
    try {
      post({ kind: 'config', config: config(name) });
    } catch (thrown) {
      const message = `plugins.config.${name} cannot be sent to its worker: ${String(thrown)}`;
      this.#refuse(new PluginProblem('config', message, { file }, thrown));
    }
  }

  #refuse(problem: PluginProblem): void {
    this.#close();
    this.#plugin.reject(problem);
    this.#options.onFailed(problem.message);
  }

  #close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}
