import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { bundlePage } from '../../src/console/bundle-page.ts';
import { openPage, ownPage, type Page, pageFolder } from '../../src/console/page.ts';
import { servable } from '../../src/console/page-file.ts';
import { waitFor } from '../support/wait-for.ts';

const asWritten = { 'index.html': '<title>x</title>', 'icon.svg': '<svg/>', 'licenses.txt': 'MIT' };

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-page-'));
  after(() => rm(folder, { recursive: true, force: true }));
  await write(folder, { ...asWritten, ...files });
  return folder;
}

async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

async function textOf(page: Page, name: string): Promise<string> {
  return String((await page.files()).get(name)?.bytes);
}

describe('the page, bundled from its sources', () => {
  it('is below 120 kB on its way, all of it together', async () => {
    const { files } = await bundlePage({ folder: pageFolder, sourceMap: false });
    const sizes = [...(await servable(files))]
      // Which only those read who want to know.
      .filter(([name]) => name !== 'licenses.txt')
      .map(([name, { zipped }]) => [name, zipped?.length ?? 0] as const);
    const total = sizes.reduce((sum, [, size]) => sum + size, 0);
    assert.deepEqual(sizes.map(([name]) => name).sort(), [
      'console.css',
      'console.js',
      'icon.svg',
      'index.html',
    ]);
    assert.ok(total > 10_000 && total < 120_000, `${total} bytes: ${sizes.join(' ')}`);
  });

  it('passes on the licenses of the packages that are in it', async () => {
    const licenses = (await textOf(ownPage, 'licenses.txt')).split('\n');
    for (const name of ['preact', '@preact/signals', '@preact/signals-core', 'uplot'])
      assert.ok(licenses.includes(name), name);
    assert.ok(licenses.filter((line) => /^Permission is hereby granted/.test(line)).length === 4);
  });

  it('names no address but its own', async () => {
    const { files } = await bundlePage({ folder: pageFolder, sourceMap: false });
    for (const [name, bytes] of files) {
      const found = String(bytes).match(/(?:https?:|wss?:)?\/\/[a-z][\w-]*\.[\w.-]+/g) ?? [];
      // Namespaces of XML, which nobody asks for; and what a comment or a text tells people.
      assert.deepEqual(
        found.filter((address) => !/^http:\/\/www\.w3\.org/.test(address)),
        [],
        name,
      );
    }
  });

  it('is one in all of the process, with what a debugger wants to see', async () => {
    const files = await ownPage.files();
    for (const [name, { bytes, zipped }] of files)
      if (zipped) assert.ok(gunzipSync(zipped).equals(bytes), name);
    assert.match(String(files.get('console.js')?.bytes), /sourceMappingURL=console\.js\.map\n$/);
    const map = JSON.parse(String(files.get('console.js.map')?.bytes)) as { sources: string[] };
    assert.ok(map.sources.includes('main.tsx'));
  });

  it('is kept, and made anew when one of its sources has changed', async () => {
    const folder = await folderWith({
      'main.tsx': "import './part.ts'; import './part.css'; document.title = 'main';",
      'part.ts': "document.title = 'one';",
      'part.css': 'a { color: red }',
    });
    const page = openPage(folder);
    assert.match(await textOf(page, 'console.js'), /"one"/);
    const kept = await waitFor('a page that is kept', async () => {
      const [first, second] = [await page.files(), await page.files()];
      return first === second ? first : undefined;
    });
    assert.equal(await page.files(), kept);
    await write(folder, { 'part.ts': "document.title = 'two';" });
    assert.match(await textOf(page, 'console.js'), /"two"/);
    await write(folder, { 'part.css': 'a { color: blue }' });
    assert.match(await textOf(page, 'console.css'), /#00f|blue/);
    await write(folder, { 'index.html': '<title>y</title>' });
    assert.equal(await textOf(page, 'index.html'), '<title>y</title>');
  });

  it('is one bundle for all who ask at the same time', async () => {
    const page = openPage(await folderWith({ 'main.tsx': "document.title = 'main';" }));
    const [first, ...others] = await Promise.all([page.files(), page.files(), page.files()]);
    for (const other of others) assert.equal(other, first);
  });

  it('tells where a source is wrong, until it is right again', async () => {
    const folder = await folderWith({ 'main.tsx': "import './part.ts';\n  const = 1;" });
    const page = openPage(folder);
    const wrong = { name: 'PageBuildError', message: /main\.tsx:2:9: Expected .*\n {4}const = 1;$/s };
    await assert.rejects(page.files(), wrong);
    await assert.rejects(page.files(), wrong);
    await write(folder, { 'main.tsx': "import './part.ts';" });
    await assert.rejects(page.files(), { message: /main\.tsx:1:8: Could not resolve "\.\/part\.ts"/ });
    await write(folder, { 'part.ts': "document.title = 'right';" });
    assert.match(await textOf(page, 'console.js'), /"right"/);
    await rm(join(folder, 'part.ts'));
    await assert.rejects(page.files(), { message: /Could not resolve/ });
    await rm(join(folder, 'index.html'));
    await write(folder, { 'part.ts': '' });
    await assert.rejects(page.files(), { message: /index\.html/ });
  });
});

describe('the page of a package', () => {
  it('is what was bundled when it was built, read once', async () => {
    const folder = await folderWith({ 'console.js': 'js', 'console.css': 'css', 'other.txt': 'no' });
    const page = openPage(folder);
    const files = await page.files();
    assert.deepEqual(
      [...files.keys()].sort(),
      ['console.css', 'console.js', ...Object.keys(asWritten)].sort(),
    );
    await write(folder, { 'console.js': 'other' });
    assert.equal(await page.files(), files);
    assert.equal(await textOf(page, 'console.js'), 'js');
  });

  it('is tried again where it could not be read', async () => {
    const folder = await folderWith({ 'console.js': 'js' });
    const page = openPage(folder);
    await assert.rejects(page.files(), { code: 'ENOENT' });
    await cp(join(folder, 'console.js'), join(folder, 'console.css'));
    assert.equal(await textOf(page, 'console.css'), 'js');
  });
});
