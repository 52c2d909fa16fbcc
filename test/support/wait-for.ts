import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/**
 * Asks again and again, until there is something. For others' processes, which tell nobody when they are done; of
 * this one an event can be awaited. What was thrown last is the error's cause.
 */
export async function waitFor<Found>(
  what: string,
  look: () => Promise<Found | undefined> | Found | undefined,
  { timeoutMs = 30_000, intervalMs = 100 }: WaitOptions = {},
): Promise<Found> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (thrown) {
      cause = thrown;
    }
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`, { cause });
    await delay(intervalMs);
  }
}
