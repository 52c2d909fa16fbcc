import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PluginsView } from '../../src/admin/api.ts';
import { PluginFolder, startWithFolder } from '../plugins/folder.ts';

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
