import pino, { type Logger } from 'pino';

export type { Logger };

/** The service's own log: JSON lines on standard output. Secrets never reach it: nobody logs headers or bodies. */
export function createLog(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime });
}
