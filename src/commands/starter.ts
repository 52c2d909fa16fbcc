/** What `sightline plugin new` writes. Both work as they are, and the test passes. */

export function starterPlugin(name: string): string {
  return `import { definePlugin } from 'sightline';
import { z } from 'zod';

/**
 * \`plugins.config.${name}\` of sightline.yaml. Where it does not fit, the plugin is not loaded, and the log
 * and /api/plugins say why.
 */
const config = z.strictObject({
  greeting: z.string().min(1).max(100).default('Hello!'),
});

export default definePlugin({
  name: '${name}',
  version: '0.1.0',
  description: 'What it is for, in a sentence.',
  config,

  /** Runs once for each version of this file. What it registers is seen by exchanges that begin afterwards. */
  initialize({ config: { greeting }, log, meter, registerMiddleware, registerHook }) {
    // A middleware changes exchanges. All its callbacks are optional.
    registerMiddleware({
      name: '${name}',
      // On the way in: another query changes it, a Reply answers it at once, nothing leaves it.
      beforeQuery(_query, exchange) {
        // On the span of the exchange, as sightline.tag.${name}.
        exchange.setAttribute('${name}', greeting);
      },
      // On the way out, with whole replies; the events of streams come to \`onChunk\`.
      afterResponse(reply) {
        return reply.with({ headers: [...reply.headers, 'x-${name}', encodeURIComponent(greeting)] });
      },
    });

    // On /metrics as ${metricOf(name)}_exchanges_total.
    const exchanges = meter.createCounter('${metricOf(name)}.exchanges', {
      unit: '{exchange}',
      description: 'Exchanges by how they ended.',
    });

    // A hook only watches, and no client waits for it.
    registerHook('exchange.ended', ({ exchange }) => {
      exchanges.add(1, { outcome: exchange.outcome ?? 'failed' });
    });

    log.info({ greeting }, 'ready');
  },

  /**
   * Runs when the last exchange of this version has ended. What was registered above, and timers, are taken
   * away without it: close here what only you know of, such as connections.
   */
  cleanup() {},
});
`;
}

export function starterTest(name: string): string {
  return `import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startWithPlugins } from 'sightline/testing';

it('greets in a header of the reply, and counts exchanges', async () => {
  await using sightline = await startWithPlugins({
    plugins: [new URL('./${name}.plugin.ts', import.meta.url)],
    config: { ${keyOf(name)}: { greeting: 'Servus!' } },
  });
  const reply = await sightline.chat('Hi there.');
  assert.equal(reply.status, 200);
  assert.equal(reply.headers.get('x-${name}'), 'Servus!');
  assert.equal(sightline.traces()[0]?.attributes['sightline.tag.${name}'], 'Servus!');
  assert.equal(await sightline.metric('${metricOf(name)}_exchanges_total', { outcome: 'completed' }), 1);
});
`;
}

/** Plugins outside of a project of their own: an editor finds the types of this installation. */
export function starterTsconfig(
  paths: Readonly<Record<string, string>>,
  typeRoots: readonly string[],
): string {
  const compilerOptions = {
    target: 'es2024',
    lib: ['es2024', 'esnext.iterator', 'esnext.disposable'],
    // Modules, also without a package.json that says so.
    module: 'preserve',
    moduleDetection: 'force',
    types: ['node'],
    typeRoots,
    paths: Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, [path]])),
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    isolatedModules: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    noEmit: true,
  };
  return `${JSON.stringify({ compilerOptions }, null, 2)}\n`;
}

/** Metrics begin with the name of their plugin, and a hyphen is no part of a metric's name. */
function metricOf(name: string): string {
  return name.replaceAll('-', '_');
}

function keyOf(name: string): string {
  return name.includes('-') ? `'${name}'` : name;
}
