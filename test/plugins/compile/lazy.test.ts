import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { it } from 'node:test';
import { PluginBuildError } from '../../../src/plugins/compile/builder.ts';
import { pluginFolder } from './plugin-folder.ts';
import '../../../src/plugins/evaluate/evaluate.ts';

const { cache } = createRequire(import.meta.url);
const isLoaded = () => Object.keys(cache).some((path) => path.includes('/esbuild/'));

it('a service without plugins does not load the compiler', async (t) => {
  const folder = await pluginFolder(t, { 'a.plugin.ts': '' });
  await folder.close();
  assert.ok(!isLoaded());
  const other = await pluginFolder(t, { 'a.plugin.ts': '' });
  await other.build();
  assert.ok(isLoaded());
});

it('a builder that is closed while a build begins starts no process', async (t) => {
  const folder = await pluginFolder(t, { 'a.plugin.ts': '' });
  const build = folder.build();
  await folder.close();
  await assert.rejects(build, PluginBuildError);
});
