import pino, { type Logger } from 'pino';

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
