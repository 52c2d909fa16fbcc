import { isInstalled } from './is-installed.ts';
import { type RunningProcess, runProcess } from './run-process.ts';

/** Whether a program can be run as if in a terminal: `script` of util-linux, which other systems have another of. */
export const hasTerminal = process.platform === 'linux' && isInstalled('script');

/** Starts a script with the Node that runs the tests, its input and output a terminal. Both outputs come as one. */
export function runInTerminal(
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string },
): RunningProcess {
  const words = [process.execPath, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const env = { TERM: 'xterm', NO_COLOR: undefined, FORCE_COLOR: undefined, ...options.env };
  return runProcess('script', ['--quiet', '--return', '--command', `exec ${words.join(' ')}`, '/dev/null'], {
    ...options,
    env,
  });
}
