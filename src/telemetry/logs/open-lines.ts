import type { Limits } from '../../limits.ts';
import { LogLines } from './log-lines.ts';
import { type MaybeTerminal, terminalFormat } from './terminal.ts';

/** The lines of the log: as they are to programs, readable to people. */
export async function openLines(stream: MaybeTerminal, { logWaitingCharsMax }: Limits): Promise<LogLines> {
  return new LogLines({ stream, charsMax: logWaitingCharsMax, format: await terminalFormat(stream) });
}
