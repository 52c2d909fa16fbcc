import { createHash } from 'node:crypto';
import { createKey, definePlugin, type ExchangeView, SightlineError } from 'sightline';
import { z } from 'zod';

/**
 * Tells which tenant an exchange belongs to, by its API key: on its span, as a label of the metrics, and to
 * other plugins.
 *
 *     plugins:
 *       config:
 *         tenant:
 *           unknown: refuse
 *           keys:                       # printf %s "$KEY" | sha256sum
 *             9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08: acme
 *
 * The configuration has digests of the keys, never the keys: a file that leaks opens no door.
 */
const config = z.strictObject({
  keys: z
    .record(z.string(), z.unknown())
    // Asked of all at once: a complaint about one would quote it, and it may be somebody's key.
    .refine(
      (keys) => Object.keys(keys).every((digest) => /^[0-9a-f]{64}$/i.test(digest)),
      'expected the SHA-256 digests of API keys (64 hexadecimal digits each), not the keys themselves',
    )
    .pipe(z.record(z.string(), z.string('expected the name of a tenant').min(1).max(64)))
    .default({}),
  /** What becomes of an exchange whose key belongs to nobody. */
  unknown: z.enum(['allow', 'refuse'], 'expected "allow" or "refuse"').default('allow'),
});

/** State on an exchange lives under a typed key; one that was made here cannot collide with another's. */
const tenantKey = createKey<string>('tenant');

export default definePlugin({
  name: 'tenant',
  version: '1.0.0',
  description: 'Tags each exchange with the tenant of its API key.',
  config,

  initialize({ config: { keys, unknown }, registerMiddleware }) {
    const tenants = new Map(Object.entries(keys).map(([digest, tenant]) => [digest.toLowerCase(), tenant]));

    // Not configured, it registers nothing and costs nothing.
    if (tenants.size > 0 || unknown === 'refuse') {
      registerMiddleware(
        {
          name: 'tenant',
          // Whoever does not read the query leaves it as bytes: nothing is parsed for this middleware.
          beforeQuery(_query, exchange) {
            const tenant = apiKeysOf(exchange)
              .map((key) => tenants.get(sha256(key)))
              .find((found) => found !== undefined);
            if (tenant === undefined) {
              if (unknown === 'allow') return;
              throw new SightlineError('unauthorized', {
                message:
                  'Expected the API key of a known tenant, as "Authorization: Bearer …" or "x-api-key: …".',
              });
            }
            exchange.set(tenantKey, tenant);
            exchange.setAttribute('tenant', tenant);
            // A label multiplies the series of a metric; this one has no more values than the configuration.
            exchange.setLabel('tenant', tenant);
          },
        },
        // Further out than the usual 50: others may ask for the tenant on their way in.
        { priority: 90 },
      );
    }

    // What `initialize` returns is what dependents get from `context.use`.
    return {
      /** Undefined where the key belongs to nobody, and before this plugin's turn on the way in. */
      tenantOf: (exchange: ExchangeView): string | undefined =>
        exchange.has(tenantKey) ? exchange.get(tenantKey) : undefined,
    };
  },
});

/** OpenAI's SDKs send the first, Anthropic's the second. */
function apiKeysOf(exchange: ExchangeView): string[] {
  const bearer = /^Bearer +(\S+) *$/i.exec(exchange.header('authorization') ?? '')?.[1];
  return [bearer, exchange.header('x-api-key')].filter((key) => key !== undefined);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
