import type { Outbox } from './outbox.ts';

/** A line that goes on for ever is cut: the log is for people. */
const lineCharsMax = 4_096;

/**
 * What the plugin prints goes to the log, line by line: it may not write where the service writes. Not by the
 * worker's streams, as whoever reads those keeps the process alive.
 */
export function logOutput(outbox: Outbox): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = process[name];
    let open = '';
    const note = (text: string): void => {
      const lines = (open + text).split('\n');
      open = (lines.pop() ?? '').slice(0, lineCharsMax);
      for (const line of lines) {
        if (line !== '') outbox.log('debug', { stream: name }, line.slice(0, lineCharsMax));
      }
    };
    // As streams have it: an encoding and a callback may follow, or the callback alone.
    stream.write = (data: Uint8Array | string, ...rest: unknown[]): boolean => {
      note(typeof data === 'string' ? data : Buffer.from(data).toString());
      const done = rest.find((one) => typeof one === 'function');
      if (done) queueMicrotask(() => done());
      return true;
    };
  }
}
