import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundlePage } from '../src/console/bundle-page.ts';
import { pageFolder } from '../src/console/page.ts';

/*
 * `dist/` is the package that is published and installed: the same manifest, with addresses of what was
 * built. In the repository the addresses are those of the sources, so that plugins and their tests run there
 * without a build; Node runs no TypeScript below `node_modules`. The page of the console is in it as browsers get it.
 */
const manifest = JSON.parse(await readFile('package.json', 'utf8'));
const { devDependencies, scripts, private: isPrivate, allowScripts, ...published } = manifest;
const built = (source: string) => source.replace(/^\.\/src\//, './').replace(/\.ts$/, '');
const addresses = Object.entries<string>(manifest.exports).map(([name, source]) => [
  name,
  { types: `${built(source)}.d.ts`, default: `${built(source)}.js` },
]);
const bins = Object.entries<string>(manifest.bin).map(([name, source]) => [name, `${built(source)}.js`]);
await writeFile(
  'dist/package.json',
  `${JSON.stringify({ ...published, exports: Object.fromEntries(addresses), bin: Object.fromEntries(bins) }, null, 2)}\n`,
);

const page = 'dist/console/page';
await mkdir(page, { recursive: true });
const { files } = await bundlePage({ folder: pageFolder, sourceMap: false });
await Promise.all([...files].map(([name, bytes]) => writeFile(join(page, name), bytes)));
