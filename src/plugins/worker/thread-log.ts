import type { PluginLog } from '../plugin.ts';
import type { Outbox } from './outbox.ts';
import { plainError } from './plain-error.ts';
import type { LogLevel } from './protocol.ts';

/** The service takes many records at once, and must not drown in them: what is longer is cut, or left out. */
const charsMax = 65_536;

/** The service's log, from a thread. Fields cross as what JSON would make of them: that is what is logged. */
export function createThreadLog(outbox: Outbox, framesOf: (error: Error) => string): PluginLog {
  const at =
    (level: LogLevel) =>
    (first: string | object, second?: string): void => {
      if (typeof first === 'string') {
        outbox.log(level, {}, first.slice(0, charsMax));
        return;
      }
      // An error given alone is the field `err`, as the log of the service has it.
      const { err, ...fields }: { err?: unknown } = first instanceof Error ? { err: first } : first;
      const error = err === undefined ? undefined : plainError(err, framesOf);
      const message = String(second ?? error?.message ?? '').slice(0, charsMax);
      outbox.log(level, plainFields(fields), message, error);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function plainFields(fields: object): object {
  const withBigInts = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);
  try {
    const text = JSON.stringify(fields, withBigInts);
    if (text.length > charsMax) return { fields: `they are longer than ${charsMax} characters` };
    return JSON.parse(text) as object;
  } catch {
    return { fields: 'they cannot be written as JSON' };
  }
}
