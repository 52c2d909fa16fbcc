import type { TraceView } from '../../../admin/api/traces.ts';

/**
 * How far the service's clock is ahead of the page's, ms: bars must not grow by what the clocks of two machines differ.
 * An exchange that runs tells when it began and for how long it has run; undefined where none does.
 */
export function clockAhead({ exchanges = [] }: TraceView, receivedAt: number): number | undefined {
  const running = exchanges.find(({ outcome }) => outcome === undefined);
  if (!running) return undefined;
  const ahead = Date.parse(running.startedAt) + running.durationMs - receivedAt;
  return Number.isFinite(ahead) ? ahead : undefined;
}
