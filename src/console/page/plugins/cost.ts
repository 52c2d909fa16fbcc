import type { Cost, PipelineView } from '../../../admin/api/pipeline.ts';
import { duration } from '../parts/format.ts';
import { isOpen } from './plugin-name.ts';

/** What one plugin, or one middleware of the configuration, has cost since the service started. */
export interface OwnerCost {
  readonly name: string;
  /** Absent: the configuration, or the embedding program, brought it. */
  readonly plugin?: string;
  /** Exchanges wait for this. */
  readonly middlewareMs: number;
  /** Nobody waits for this, but the event loop. */
  readonly hooksMs: number;
  /** Of the time of all. */
  readonly share: number;
  /**
   * What it takes of an exchange on an average; absent where none went through it. The messages between the turns of a
   * session pass through it as well, each in calls of its own: what these take counts to the exchanges.
   */
  readonly perExchangeMs?: number;
  readonly errors: number;
  /** A breaker of it is not closed. */
  readonly isBroken: boolean;
}

/** Once in an exchange, but for those messages: their calls tell how many exchanges there were at most. */
const oncePerExchange: ReadonlySet<string> = new Set([
  'before_query',
  // A call is all events of one stream.
  'on_chunk',
  'after_response',
  'on_error',
  'exchange.started',
  'query.ready',
  'reply.first_token',
  'exchange.error',
  'exchange.ended',
]);

interface Part {
  readonly name: string;
  readonly plugin: string | undefined;
  readonly kind: 'middleware' | 'hook';
  /** Phase or point. */
  readonly at: string;
  readonly cost: Cost | undefined;
  readonly breaker: string | undefined;
}

/** The most costly first. */
export function costsOf(pipeline: PipelineView): OwnerCost[] {
  const parts = [...middlewareParts(pipeline), ...hookParts(pipeline)];
  const all = parts.reduce((sum, { cost }) => sum + (cost?.totalMs ?? 0), 0);
  const owners = Map.groupBy(parts, ({ name, plugin }) =>
    plugin === undefined ? `own ${name}` : `plugin ${plugin}`,
  );
  return [...owners.values()]
    .map((own) => costOf(own, all, pipeline.exchanges))
    .sort((a, b) => b.share - a.share || (a.name < b.name ? -1 : 1));
}

function costOf(parts: readonly Part[], allMs: number, exchangesMax: number): OwnerCost {
  const [{ name = '', plugin } = {}] = parts;
  const sum = (kind: Part['kind']) =>
    parts.reduce((total, part) => total + (part.kind === kind ? (part.cost?.totalMs ?? 0) : 0), 0);
  const [middlewareMs, hooksMs] = [sum('middleware'), sum('hook')];
  const calls = parts.map(({ at, cost }) => (oncePerExchange.has(at) ? (cost?.calls ?? 0) : 0));
  const exchanges = Math.min(Math.max(0, ...calls), Math.max(1, exchangesMax));
  const totalMs = middlewareMs + hooksMs;
  return {
    name: plugin ?? name,
    ...(plugin !== undefined && { plugin }),
    middlewareMs,
    hooksMs,
    share: allMs === 0 ? 0 : totalMs / allMs,
    ...(exchanges > 0 && { perExchangeMs: totalMs / exchanges }),
    errors: parts.reduce((total, { cost }) => total + (cost?.errors ?? 0), 0),
    isBroken: parts.some(({ breaker }) => isOpen(breaker)),
  };
}

function middlewareParts({ middleware }: PipelineView): Part[] {
  return middleware.flatMap(({ name, plugin, breaker, phases }) =>
    phases.map(({ phase, cost }) => ({
      name,
      plugin,
      kind: 'middleware' as const,
      at: phase,
      cost,
      breaker,
    })),
  );
}

/** All callbacks of a plugin at one point have one cost: it counts once. */
function hookParts({ hooks }: PipelineView): Part[] {
  return hooks.flatMap(({ point, callbacks }) => {
    const counted = new Set<string>();
    return callbacks.map(({ owner, plugin, breaker, cost }) => {
      const isFirst = plugin === undefined || !counted.has(plugin);
      if (plugin !== undefined) counted.add(plugin);
      return {
        name: owner,
        plugin,
        kind: 'hook' as const,
        at: point,
        cost: isFirst ? cost : undefined,
        breaker,
      };
    });
  });
}

/** Of one call, ms. */
export function averageMs({ calls, totalMs }: Cost): number | undefined {
  return calls === 0 ? undefined : totalMs / calls;
}

/** The longest of all totals: what the bars are measured against. */
export function longestMs(costs: readonly (Cost | undefined)[]): number {
  return Math.max(0, ...costs.map((cost) => cost?.totalMs ?? 0));
}

/** As `duration`, and `42 µs` where it would say nearly nothing. */
export function fineDuration(ms: number | undefined): string {
  if (ms === undefined || !(ms > 0 && ms < 0.0995)) return duration(ms);
  const microseconds = ms * 1_000;
  if (microseconds < 0.1) return '<0.1\u00a0µs';
  return `${Number(microseconds.toFixed(microseconds < 9.95 ? 1 : 0))}\u00a0µs`;
}
