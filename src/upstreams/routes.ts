import { dialectFor } from '../dialects/index.ts';
import { SightlineError } from '../errors.ts';
import type { Route } from '../exchange/exchange.ts';
import type { Upstream } from './upstream.ts';

/** The upstream of a path. */
export interface UpstreamPlace {
  readonly upstream: Upstream;
  /** What of the path names the upstream: `/anthropic`, or nothing for the default one. */
  readonly prefix: string;
}

export function placeOf(upstream: Upstream): UpstreamPlace {
  return { upstream, prefix: upstream.prefix === '/' ? '' : upstream.prefix };
}

/** @param upstreams The longest prefix first. */
export function findPlace(upstreams: readonly Upstream[], path: string): UpstreamPlace | undefined {
  for (const upstream of upstreams) {
    const place = placeOf(upstream);
    if (path === place.prefix || path.startsWith(`${place.prefix}/`)) return place;
  }
  return undefined;
}

/** Low-cardinality: a dialect's canonical path below the prefix, or everything below it. */
export function routeOf(method: string, path: string, place: UpstreamPlace | undefined): Route {
  const dialect = place && dialectFor(method, path.slice(place.prefix.length));
  return {
    template: place ? `${place.prefix}${dialect?.path ?? '/*'}` : '/*',
    upstream: place?.upstream.name,
    dialect,
  };
}

/** Path and query string as the upstream gets them, below its prefix. */
export function targetBelow(target: string, { prefix }: UpstreamPlace): string {
  const below = target.slice(prefix.length);
  return below.startsWith('/') ? below : `/${below}`;
}

export function unknownRoute(path: string, upstreams: readonly Upstream[]): SightlineError {
  const prefixes = upstreams.map((upstream) => `${upstream.prefix}/…`).join(', ');
  return new SightlineError('route_unknown', {
    message: `No upstream is configured for '${path.slice(0, 200)}'; the configured ones are ${prefixes}.`,
  });
}
