import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

interface Options {
  /** Added to this process's own environment; `undefined` takes a variable away. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Processes under way. None outlives the test file, however that ends. */
const running = new Set<RunningProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
// A handler of our own takes away what the signal did by itself; so the end is ours to make.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/** A child process of a test, with what it wrote. Use `await using`, or `kill`. */
export class RunningProcess implements AsyncDisposable {
  /** Everything written so far. */
  stdout = '';
  stderr = '';
  /** Settles when the process has ended and all its output has been read. Rejects where it could not be started. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #command: string;
  readonly #watchers = new Set<() => void>();

  constructor(command: string, args: readonly string[], { env, cwd }: Options) {
    this.#command = [command, ...args].join(' ');
    this.#child = spawn(command, args, {
      cwd,
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#collect('stdout');
    this.#collect('stderr');
    running.add(this);
    this.exited = once(this.#child, 'close').then(([code, signal]): Exit => ({ code, signal }));
    const ended = () => {
      running.delete(this);
      this.#wake();
    };
    // Who does not wait for the end need not hear of a failed start: `waitForLine` and disposal tell it too.
    this.exited.then(ended, ended);
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.#command} was not started`);
    return pid;
  }

  /** What comes on stdout from now on is read and thrown away: nobody asks for it, and it may be much. */
  ignoreOutput(): void {
    this.#child.stdout?.removeAllListeners('data').resume();
  }

  get hasExited(): boolean {
    return !running.has(this);
  }

  /** The first line of stdout or stderr that matches, from the beginning of each. */
  waitForLine(pattern: RegExp, timeoutMs = 30_000): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const look = () => {
      const found = this.#find(pattern);
      if (found) resolve(found);
      else if (this.hasExited) reject(new Error(this.#account(`ended without a line like ${pattern}`)));
    };
    const timer = setTimeout(() => {
      reject(new Error(this.#account(`wrote no line like ${pattern} within ${timeoutMs} ms`)));
    }, timeoutMs);
    this.#watchers.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#watchers.delete(look);
    });
  }

  /** `exited`, with a bound on the wait. */
  async waitForExit(timeoutMs = 30_000): Promise<Exit> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(this.#account(`still runs after ${timeoutMs} ms`))),
      timeoutMs,
    );
    try {
      return await Promise.race([this.exited, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    await this.exited.catch(() => undefined);
  }

  #collect(name: 'stdout' | 'stderr'): void {
    this.#child[name]?.setEncoding('utf8').on('data', (text: string) => {
      this[name] += text;
      this.#wake();
    });
  }

  #wake(): void {
    for (const look of this.#watchers) look();
  }

  #find(pattern: RegExp): RegExpExecArray | undefined {
    const single = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    for (const text of [this.stdout, this.stderr]) {
      // The last line counts only when it is complete, or nothing more can come.
      const lines = text.split('\n').slice(0, this.hasExited ? undefined : -1);
      for (const line of lines) {
        const found = single.exec(line);
        if (found) return found;
      }
    }
    return undefined;
  }

  #account(what: string): string {
    return `${this.#command} ${what}\nstdout:\n${this.stdout}\nstderr:\n${this.stderr}`;
  }
}

/** Starts a program. */
export function runProcess(command: string, args: readonly string[], options: Options = {}): RunningProcess {
  return new RunningProcess(command, args, options);
}

/** Starts a script, with the Node that runs the tests. */
export function runNode(args: readonly string[], options: Options = {}): RunningProcess {
  return runProcess(process.execPath, args, options);
}
