import { readFileSync, writeFileSync } from 'node:fs';
import { renderReadme } from './readme-tables.ts';

// Everything that is made from the code and committed: today the tables of the README.
const readme = new URL('../README.md', import.meta.url);
writeFileSync(readme, renderReadme(readFileSync(readme, 'utf8')));
