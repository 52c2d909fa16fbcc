import { fileURLToPath, pathToFileURL } from 'node:url';
import { describeError } from '../../errors.ts';
import type { PluginHost } from './host.ts';

interface Culprit {
  readonly plugin: string;
  readonly version?: string;
  readonly file: string;
}

/** Something was thrown where nobody waits for it: it is told and counted, and the service goes on. */
export function reportStray(
  { log, telemetry }: Pick<PluginHost, 'log' | 'telemetry'>,
  culprit: Culprit,
  thrown: unknown,
  frames: string | undefined,
): void {
  telemetry.strayError(culprit.plugin);
  log.error(
    { ...culprit, ...describeError(thrown, frames) },
    `plugin '${culprit.plugin}' threw where nobody waits for it: in a timer, or in a promise that it does not await`,
  );
}

/** The plugin file of the folder that the topmost frame of plugins' code is of: its name there has a `?v=`. */
export function evaluatedFileIn(thrown: unknown, folder: string): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  // As the evaluator writes it: V8 takes no name that has a quote in it.
  const start = `${pathToFileURL(folder).href.replaceAll("'", '%27')}/`;
  const [, address] = /\b(file:\S+?)\?v=\d+:\d+:\d+/.exec(String(thrown.stack)) ?? [];
  return address?.startsWith(start) ? fileURLToPath(address) : undefined;
}
