import { atRate } from './load.ts';
import { ask } from './payloads.ts';
import { inTurn, quantile } from './rounds.ts';
import type { Subject } from './subjects.ts';

const perSecond = 300;

export const latencyTitle = `whole replies at ${perSecond} a second`;

/** Over the backend's own latency, ms. */
export interface AddedLatency {
  readonly p50: number;
  readonly p99: number;
}

/** What each subject adds on the way, at a rate that none of them has to hurry for. */
export async function addedLatency(
  subjects: readonly Subject[],
  backend: URL,
  { rounds, ms }: { readonly rounds: number; readonly ms: number },
): Promise<Map<Subject, AddedLatency>> {
  const whole = ask({ stream: false });
  const targets = [backend, ...subjects.map(({ origin }) => origin)];
  const slices = await inTurn(targets, rounds, (origin) => atRate(origin, whole, perSecond, ms));
  const of = (origin: URL) => {
    const latencies = slices.get(origin)?.flat() ?? [];
    return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
  };
  const direct = of(backend);
  return new Map(
    subjects.map((subject) => {
      const { p50, p99 } = of(subject.origin);
      return [subject, { p50: p50 - direct.p50, p99: p99 - direct.p99 }];
    }),
  );
}
