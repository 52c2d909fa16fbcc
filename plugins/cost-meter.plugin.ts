import { definePlugin, type Usage } from 'sightline';
import { z } from 'zod';
// Only its types: the tenants themselves come from the running plugin, through `use`.
import type tenant from './tenant.plugin.ts';

/** US dollars for a million tokens. */
const price = z.strictObject({
  input: z.number().nonnegative(),
  output: z.number().nonnegative(),
  /** Input that the upstream read from its cache; costs as other input where it is not given. */
  cachedInput: z.number().nonnegative().optional(),
  /** Input that the upstream wrote to its cache; the same. */
  cacheWrite: z.number().nonnegative().optional(),
});
type Price = z.infer<typeof price>;

/**
 * What each tenant spends, as a metric: `cost_meter_cost_total{tenant="acme",model="gpt-4o"}` on /metrics.
 *
 *     plugins:
 *       config:
 *         cost-meter:
 *           prices:
 *             gpt-4o: { input: 2.5, cachedInput: 1.25, output: 10 }
 *             gpt-4o-mini: { input: 0.15, output: 0.6 }
 *
 * A price holds for the model of that name and for its versions (`gpt-4o-2024-08-06`); the longest name that
 * fits wins. Whatever has no price is counted too: a meter that is silent about what it does not know is wrong.
 */
const config = z.strictObject({ prices: z.record(z.string().min(1), price).default({}) });

/** In the place of a tenant that is not known. */
const nobody = 'unknown';
/** Names of models come from outside: the log names so many, and no metric has them as a label. */
const modelsToldMax = 100;

export default definePlugin({
  name: 'cost-meter',
  version: '1.0.0',
  description: 'Counts what each tenant spends.',
  // Loaded after `tenant`, reloaded with it, and `tenant` cannot be unloaded while this needs it.
  dependencies: { tenant: '^1.0.0' },
  config,

  initialize({ config: { prices }, meter, log, use, registerHook }) {
    const models = Object.keys(prices).sort((a, b) => b.length - a.length);
    if (models.length === 0) return;
    const { tenantOf } = use<typeof tenant>('tenant');

    // The unit stands in braces because UCUM, the table of units, has no currencies.
    const cost = meter.createCounter('cost_meter.cost', {
      unit: '{USD}',
      description: 'Price of the tokens that upstreams reported.',
    });
    const unpriced = meter.createCounter('cost_meter.unpriced_tokens', {
      unit: '{token}',
      description: 'Tokens of models without a price.',
    });
    const unreported = meter.createCounter('cost_meter.unreported_exchanges', {
      unit: '{exchange}',
      description:
        'Exchanges of which the upstream reported no tokens, as OpenAI streams do unless asked to.',
    });
    const told = new Set<string>();

    // A hook only watches: the client has had its last byte when this one runs, and waits for nothing.
    registerHook('exchange.ended', ({ exchange }) => {
      const { reply, query, usage } = exchange;
      const labels = { tenant: tenantOf(exchange) ?? nobody };
      if (usage.input === undefined && usage.output === undefined) {
        // Refused, unreachable, or no model's API: then nothing was spent, and no model has named itself.
        if (reply?.model !== undefined) unreported.add(1, labels);
        return;
      }
      const name = reply?.model ?? query?.model ?? '';
      const model = models.find((known) => isVersionOf(known, name));
      const known = model === undefined ? undefined : prices[model];
      if (model !== undefined && known) {
        cost.add(costOf(usage, known), { ...labels, model });
        return;
      }
      unpriced.add(usage.input ?? 0, { ...labels, type: 'input' });
      unpriced.add(usage.output ?? 0, { ...labels, type: 'output' });
      if (told.has(name) || told.size >= modelsToldMax) return;
      told.add(name);
      log.warn({ model: name }, 'this model has no price');
    });
  },
});

/** The model itself, or `gpt-4o-2024-08-06` of `gpt-4o`; `gpt-4o` is no version of `gpt-4`. */
function isVersionOf(model: string, name: string): boolean {
  return name.startsWith(model) && /^($|[-:@])/.test(name.slice(model.length));
}

/** `input` includes what was read from the cache and what was written to it. */
function costOf({ input = 0, output = 0, cacheRead = 0, cacheCreation = 0 }: Usage, price: Price): number {
  const uncached = input - cacheRead - cacheCreation;
  const { cachedInput = price.input, cacheWrite = price.input } = price;
  const dollars =
    uncached * price.input + cacheRead * cachedInput + cacheCreation * cacheWrite + output * price.output;
  return dollars / 1_000_000;
}
