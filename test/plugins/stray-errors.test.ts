import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { evaluatedFileIn } from '../../src/plugins/lifecycle/stray-errors.ts';
import { runNode } from '../support/run-process.ts';
import { PluginFolder } from './folder.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** A whole service in a process of its own: what nobody catches ends a process. */
function start(folder: PluginFolder) {
  return runNode([main], {
    cwd: folder.path,
    env: {
      SIGHTLINE_PORT: '0',
      SIGHTLINE_ADMIN_PORT: '0',
      SIGHTLINE_PLUGINS: folder.path,
      OTEL_TRACES_EXPORTER: 'none',
    },
  });
}

it('an error that a plugin lets go is told with its place in the source, and nothing else dies of it', async () => {
  await using folder = await PluginFolder.create();
  await folder.savePlugin('timer', `setTimeout(() => { throw new Error('in a timer'); }, 1);`);
  await folder.savePlugin('promise', `void (async () => { await 0; throw new Error('in a promise'); })();`);
  await folder.savePlugin(
    'global',
    `globalThis.setTimeout(() => { throw new Error('in a global timer'); }, 1);`,
  );
  await using service = start(folder);
  for (const [name, what] of [
    ['timer', 'in a timer'],
    ['promise', 'in a promise'],
    ['global', 'in a global timer'],
  ]) {
    const line = JSON.parse(
      (await service.waitForLine(new RegExp(`^.*"plugin":"${name}".*"error":"Error: ${what}".*$`)))[0],
    );
    assert.equal(line.file, folder.file(String(name)));
    assert.match(line.stack, new RegExp(`${folder.file(String(name))}:7:\\d+`));
  }
  const [, admin] = await service.waitForLine(/sightline: data .* admin (\S+)/);
  const page = await (await fetch(`${admin}/metrics`)).text();
  assert.equal(page.match(/^sightline_plugin_stray_errors_total\{.*\} 1$/gm)?.length, 3);
});

it('an error of a version that is gone ends nothing either', async () => {
  await using folder = await PluginFolder.create();
  await folder.savePlugin('ghost', `process.on('SIGUSR2', () => { throw new Error('boo'); });`);
  await using service = start(folder);
  const [, admin] = await service.waitForLine(/sightline: data .* admin (\S+)/);
  await fetch(`${admin}/api/plugins/ghost/unload`, { method: 'POST' });
  process.kill(service.pid, 'SIGUSR2');
  const line = JSON.parse((await service.waitForLine(/^.*boo.*$/))[0]);
  assert.equal(line.file, folder.file('ghost'));
  assert.equal((await fetch(`${admin}/healthz`)).status, 200);
});

it('an error during the start, while another plugin takes its time, does not end it', async () => {
  await using folder = await PluginFolder.create();
  await folder.savePlugin('early', `void (async () => { await 0; throw new Error('early'); })();`);
  await folder.savePlugin('late', 'return new Promise((resolve) => setTimeout(resolve, 300));');
  await using service = start(folder);
  await service.waitForLine(/^.*"plugin":"early.*"error":"Error: early".*$/);
  await service.waitForLine(/sightline: data .* admin (\S+)/);
});

it('the file of a version that is gone is found in a stack, whatever the folder is named', () => {
  for (const folder of ['/srv/plugins', "/srv/it's (mine), 100%/plugins"]) {
    const file = join(folder, 'a.plugin.ts');
    const url = pathToFileURL(file).href.replaceAll("'", '%27');
    const error = new Error('x');
    error.stack = `Error: x\n    at eval (eval at compile (file:///srv/evaluate.ts:9:1), ${url}?v=3:1:2)`;
    assert.equal(evaluatedFileIn(error, folder), file);
    assert.equal(evaluatedFileIn(error, '/elsewhere'), undefined);
  }
});
