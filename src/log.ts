import pino, { type Logger } from 'pino';
import type { Limits } from './limits.ts';
import { LogLines } from './telemetry/logs/log-lines.ts';
import { type MaybeTerminal, terminalFormat } from './telemetry/logs/terminal.ts';

export type { Logger };

/** The service's own log, as lines of JSON. Secrets never reach it: nobody logs headers or bodies. */
export function createLog(level: string, lines?: { write(line: string): void }): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return lines ? pino(options, lines) : pino(options);
}

/** Where the lines go: as they are to programs, readable to people. */
export async function openLines(stream: MaybeTerminal, { logWaitingCharsMax }: Limits): Promise<LogLines> {
  return new LogLines({ stream, charsMax: logWaitingCharsMax, format: await terminalFormat(stream) });
}
