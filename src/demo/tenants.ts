import type { Weighted } from './chance.ts';

/** Who sends traffic, most of it one of them, as it is everywhere. */
export interface Tenant extends Weighted {
  readonly name: string;
  /** Its API key. The tenant plugin knows tenants by the SHA-256 of theirs (`plugins.config.tenant.keys`). */
  readonly key: string;
}

/** One day this one has an agent that cannot stop. */
export const agentOf: Tenant = { name: 'globex', key: 'sk-demo-globex', weight: 24 };

export const tenants: readonly [Tenant, ...Tenant[]] = [
  { name: 'acme', key: 'sk-demo-acme', weight: 55 },
  agentOf,
  { name: 'initech', key: 'sk-demo-initech', weight: 12 },
  { name: 'umbrella', key: 'sk-demo-umbrella', weight: 6 },
  { name: 'hooli', key: 'sk-demo-hooli', weight: 3 },
];

/**
 * How a client says whose it is: by its key, as the tenant plugin wants it, and by a header, for the middleware
 * `request-tags` (`tags: { tenant: { header: x-tenant, label: true } }`).
 */
export function credentialsOf({ name, key }: Tenant): Record<string, string> {
  return { authorization: `Bearer ${key}`, 'x-tenant': name };
}
