import { isInstalled } from './is-installed.ts';
import { type RunningProcess, runProcess } from './run-process.ts';

/** Whether a program can be run as if in a terminal: `script` of util-linux, which other systems have another of. */
export const hasTerminal = process.platform === 'linux' && isInstalled('script');

/** Where one of these is set, Node finds more colours in a terminal or none at all: a CI sets its own. */
const ofColours = {
  CI: undefined,
  TEAMCITY_VERSION: undefined,
  NO_COLOR: undefined,
  NODE_DISABLE_COLORS: undefined,
  FORCE_COLOR: undefined,
};

/** Starts a script with the Node that runs the tests, its input and output a terminal. Both outputs come as one. */
export function runInTerminal(
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string },
): RunningProcess {
  const words = [process.execPath, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const env = { TERM: 'xterm', ...ofColours, ...options.env };
  return runProcess('script', ['--quiet', '--return', '--command', `exec ${words.join(' ')}`, '/dev/null'], {
    ...options,
    env,
  });
}
