import type { PluginFolder } from '../../plugins/folder.ts';
import { hostile, inherited } from './texts.ts';

/** By which a test asks for what the plugin does. */
export const header = { tenant: 'x-tenant', throws: 'x-throws', blocks: 'x-blocks' } as const;

const quoted = JSON.stringify;

/** Tags exchanges with whatever their headers say, and fails where they ask for that. */
const tagging = `
    registerMiddleware({
      name: 'tagging',
      beforeQuery(_query, exchange) {
        const tenant = exchange.header('${header.tenant}');
        if (tenant) exchange.setLabel('tenant', JSON.parse(decodeURIComponent(tenant)));
        exchange.setAttribute(${quoted(hostile('attribute'))}, ${quoted(hostile('value'))});
        for (const name of ${quoted(inherited)}) exchange.setAttribute(name, name);
        if (exchange.header('${header.throws}')) throw new Error(${quoted(hostile('thrown'))});
        if (exchange.header('${header.blocks}'))
          throw new SightlineError('blocked', { message: ${quoted(hostile('blocked'))} });
      },
    });
    registerHook('exchange.ended', () => { throw new Error(${quoted(hostile('hook'))}); });`;

/** Plugins that are refused, each for another reason, with markup in the reason. */
export async function saveHostilePlugins(folder: PluginFolder): Promise<void> {
  await folder.savePlugin('tagging', tagging, '1.0.0-x.1');
  await folder.savePlugin(
    'throwing',
    `throw new Error(${quoted(hostile('initialize'))});`,
    '2.0.0+build.script',
  );
  await folder.save('named', definition(`name: ${quoted(hostile('plugin name'))}, version: '1.0.0'`));
  await folder.save('dated', definition(`name: 'dated', version: ${quoted(hostile('version'))}`));
  const needs = [hostile('needed'), ...inherited].map((name) => `[${quoted(name)}]: '^1.0.0'`);
  await folder.save(
    'needing',
    definition(`name: 'needing', version: '1.0.0', dependencies: { ${needs.join(', ')} }`),
  );
  await folder.save('<img src=x onerror="hostileRan=1"> file', `const broken = ${hostile('source')};`);
}

function definition(members: string): string {
  return `import { definePlugin } from 'sightline';
export default definePlugin({ ${members}, initialize() {} });
`;
}
