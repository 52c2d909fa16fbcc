import type { Writable } from 'node:stream';
import { lineKey, logEvent } from '../names.ts';

/** A stream that may be a terminal, as `process.stdout` is one. */
export type MaybeTerminal = Writable & { readonly isTTY?: boolean; hasColors?(): boolean };

/** Their messages say to people all that the fields say to programs. */
const briefEvents: readonly unknown[] = [logEvent.exchange, logEvent.alert, logEvent.plugin];

/**
 * What makes lines of the log readable, where the stream is a terminal: of an exchange, an alert and the coming and
 * going of plugins the message alone, of all else the other fields below it. Undefined where programs read.
 */
export async function terminalFormat(stream: MaybeTerminal): Promise<((line: string) => string) | undefined> {
  if (!stream.isTTY) return undefined;
  const { prettyFactory } = await import('pino-pretty');
  const options = {
    // Knows NO_COLOR and FORCE_COLOR, and terminals that have none.
    colorize: stream.hasColors?.() ?? false,
    translateTime: 'SYS:HH:MM:ss.l',
  };
  const whole = prettyFactory(options);
  const brief = prettyFactory({ ...options, hideObject: true });
  return (line) => {
    const record = JSON.parse(line, withoutControls) as Record<string, unknown>;
    return briefEvents.includes(record[lineKey.event]) ? brief(record) : whole(record);
  };
}

/** What a client calls a model must not move the cursor of whoever watches. */
function withoutControls(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/(?!\n)\p{Cc}|\p{Bidi_Control}/gu, '\ufffd') : value;
}
