import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PluginsView } from '../../src/admin/api/plugins.ts';
import { PluginFolder, startWithFolder } from '../plugins/folder.ts';
import { waitFor } from '../support/wait-for.ts';

function definition(name: string, version: string, more: string): string {
  return `import { definePlugin } from 'sightline';
export default definePlugin({ name: '${name}', version: '${version}', ${more}, initialize() {} });
`;
}

async function pluginsOf(adminUrl: string): Promise<PluginsView['plugins']> {
  const reply = await fetch(`${adminUrl}/api/plugins`);
  return ((await reply.json()) as PluginsView).plugins;
}

describe('plugins, as the admin plane shows them', () => {
  it('tell what they need, and what of that is not there in the range', async () => {
    await using folder = await PluginFolder.create();
    await folder.save('tenant', definition('tenant', '1.2.0', "description: 'x'"));
    await folder.save(
      'cost',
      definition(
        'cost',
        '1.0.0',
        "dependencies: { tenant: '^1.0.0' }, optionalDependencies: { budget: '^2.0.0' }",
      ),
    );
    await using service = await startWithFolder(folder);
    const cost = (await pluginsOf(service.adminUrl)).find(({ name }) => name === 'cost');
    assert.deepEqual(cost?.dependencies, { tenant: '^1.0.0' });
    assert.deepEqual(cost?.optionalDependencies, { budget: '^2.0.0' });
    assert.deepEqual(cost?.unmet, ['budget']);
  });

  it('tell what each part of them threw last, its beginning, and no key', async () => {
    await using folder = await PluginFolder.create();
    await folder.savePlugin(
      'clumsy',
      `registerMiddleware({ name: 'works', beforeQuery() {} });
      registerMiddleware({ name: 'fails', onFailure: 'continue', beforeQuery() {
        throw new Error('401 for sk-1234567890abcdef');
      } });
      registerHook('exchange.ended', () => { throw new Error('no '.repeat(10_000)); });`,
    );
    await using service = await startWithFolder(folder);
    const body = { model: 'sim-tokens-2', messages: [{ role: 'user', content: 'Hi' }] };
    const reply = await fetch(`${service.dataUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.equal(reply.status, 200);
    await reply.text();
    const clumsy = await waitFor('both failures', async () => {
      const [plugin] = await pluginsOf(service.adminUrl);
      return plugin?.hooks?.[0]?.lastError ? plugin : undefined;
    });
    const [works, fails] = clumsy.middleware ?? [];
    assert.deepEqual([works?.breaker, works?.lastError], ['closed', undefined]);
    assert.equal(fails?.lastError?.in, 'before_query');
    assert.equal(fails?.lastError?.message, '401 for REDACTED');
    assert.ok(Date.now() - Date.parse(fails?.lastError?.at ?? '') < 60_000);
    assert.equal(clumsy.hooks?.[0]?.lastError?.in, 'exchange.ended');
    assert.equal(clumsy.hooks?.[0]?.lastError?.message, 'no '.repeat(10_000).slice(0, 500));
  });

  it('tell it of a version that was rejected for it, too', async () => {
    await using folder = await PluginFolder.create();
    await folder.save('tenant', definition('tenant', '1.2.0', "description: 'x'"));
    await folder.save('report', definition('report', '3.0.0', "dependencies: { tenant: '^2.0.0' }"));
    await using service = await startWithFolder(folder);
    const [report] = await pluginsOf(service.adminUrl);
    assert.equal(report?.state, 'rejected');
    assert.equal(report?.rejected?.version, '3.0.0');
    assert.deepEqual(report?.dependencies, { tenant: '^2.0.0' });
    assert.deepEqual(report?.unmet, ['tenant']);
  });
});
