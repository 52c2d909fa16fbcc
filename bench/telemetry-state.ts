import { z } from 'zod';
import type { Subject } from './subjects.ts';

const readyz = z.object({
  telemetry: z.object({
    enabled: z.boolean(),
    traces: z.array(z.object({ exported: z.number(), lost: z.number(), dropped: z.number() })),
  }),
});

/** What became of a subject's spans, in a line: spans that were dropped cost less than they should. */
export async function telemetryState({ plan, admin }: Subject): Promise<string | undefined> {
  if (!admin) return undefined;
  const reply = await fetch(new URL('/readyz', admin));
  const { success, data } = readyz.safeParse(await reply.json());
  // Another checkout may tell it in other words.
  if (!success || !data.telemetry.enabled) return undefined;
  const { traces } = data.telemetry;
  const exported = traces.reduce((sum, one) => sum + one.exported, 0);
  const lost = traces.reduce((sum, one) => sum + one.lost + one.dropped, 0);
  const share = ((100 * lost) / Math.max(1, exported + lost)).toFixed(1);
  return `${plan.name}: ${exported} spans exported, ${lost} lost (${share} %)`;
}
