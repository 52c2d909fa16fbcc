import { z } from 'zod';
import type { Subject } from './subjects.ts';

const readyz = z.object({
  telemetry: z.object({
    enabled: z.boolean(),
    spansDroppedByQueue: z.number(),
    traces: z.array(z.object({ exportedSpans: z.number(), lostSpans: z.number() })),
  }),
});

/** What became of a subject's spans, in a line: spans that were dropped cost less than they should. */
export async function telemetryState({ plan, admin }: Subject): Promise<string | undefined> {
  if (!admin) return undefined;
  const reply = await fetch(new URL('/readyz', admin));
  const { telemetry } = readyz.parse(await reply.json());
  if (!telemetry.enabled) return undefined;
  const exported = telemetry.traces.reduce((sum, { exportedSpans }) => sum + exportedSpans, 0);
  const lost = telemetry.traces.reduce(
    (sum, { lostSpans }) => sum + lostSpans,
    telemetry.spansDroppedByQueue,
  );
  const share = ((100 * lost) / Math.max(1, exported + lost)).toFixed(1);
  return `${plan.name}: ${exported} spans exported, ${lost} lost (${share} %)`;
}
