import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadPart } from '../../src/config/load.ts';
import { placesPart, pluginsPart } from '../../src/config/parts.ts';

const root = mkdtempSync(join(tmpdir(), 'sightline-parts-'));
after(() => rmSync(root, { recursive: true }));

function folderWith(yaml: string): string {
  const folder = mkdtempSync(join(root, 'case-'));
  writeFileSync(join(folder, 'sightline.yaml'), yaml);
  return folder;
}

const secrets = `
admin: { token: "\${TOKEN}" }
plugins: { folder: "\${FOLDER}", config: { guard: { key: "\${KEY}" } } }
`;

describe('a part of the configuration', () => {
  test('is read without the variables of other places', () => {
    const folder = folderWith(secrets);
    assert.equal(loadPart(placesPart, { FOLDER: 'ours' }, folder).plugins.folder, 'ours');
    const { plugins } = loadPart(pluginsPart, { FOLDER: 'ours', KEY: 'abc' }, folder);
    assert.deepEqual(plugins.config, { guard: { key: 'abc' } });
    assert.throws(() => loadPart(placesPart, {}, folder), /plugins\.folder needs the variable FOLDER/);
    assert.throws(() => loadPart(pluginsPart, { FOLDER: 'ours' }, folder), /needs the variable KEY/);
  });

  test('has the defaults and the variables of the whole', () => {
    const { plugins, admin, source } = loadPart(placesPart, { SIGHTLINE_ADMIN_PORT: '9' }, folderWith(''));
    assert.deepEqual([plugins.folder, admin.port], ['./plugins', 9]);
    assert.match(source ?? '', /sightline\.yaml$/);
  });

  for (const yaml of [
    'plugin: { folder: x }',
    'plugins: { foldr: x }',
    'plugins: { folder: 5 }',
    'plugins: 5',
  ]) {
    for (const [name, part] of Object.entries({ placesPart, pluginsPart })) {
      test(`is refused where it is wrong: ${yaml} (${name})`, () => {
        assert.throws(() => loadPart<object>(part, {}, folderWith(yaml)), { name: 'ConfigError' });
      });
    }
  }
});
