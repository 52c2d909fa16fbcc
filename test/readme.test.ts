import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { renderReadme } from '../scripts/readme-tables.ts';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const readme = read('README.md');
const { dependencies, devDependencies, scripts } = JSON.parse(read('package.json'));

describe('the README', () => {
  it('has the tables that the code makes (npm run generate)', () => {
    assert.equal(readme, renderReadme(readme));
  });

  it('says of every dependency why it is there, and of no other one', () => {
    const [, section = ''] = /## Why these libraries\n([\s\S]*?)(?=\n## |$)/.exec(readme) ?? [];
    const rows = [...section.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    );
    assert.deepEqual(rows.toSorted(), Object.keys({ ...dependencies, ...devDependencies }).toSorted());
  });

  it('names only npm scripts that exist', () => {
    const named = [...readme.matchAll(/(?:`|^|\$ |=\S+ )npm (?:run )?([\w:]+)/gm)].map(
      ([, name = '']) => name,
    );
    const builtin = ['install', 'ci'];
    for (const name of named) assert.ok(name in scripts || builtin.includes(name), `npm run ${name}`);
  });

  it('names every variable of the stable surface', () => {
    const source = read('src/config/environment.ts');
    for (const [name] of source.matchAll(/\bSIGHTLINE_[A-Z_]+(?=:)/g))
      assert.ok(readme.includes(`\`${name}\``), name);
  });
});
