import { join } from 'node:path';

const extensions = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.json'];

/** TypeScript writes imports by the name that its compiler would give the file. */
const writtenAs = new Map([
  ['.js', ['.ts', '.tsx']],
  ['.jsx', ['.tsx']],
  ['.mjs', ['.mts']],
  ['.cjs', ['.cts']],
]);

/** The files, any of which would let an import be found that was written as `path`. */
export function importCandidates(path: string): string[] {
  const candidates = [path, ...extensions.map((extension) => path + extension)];
  for (const [written, sources] of writtenAs) {
    if (!path.endsWith(written)) continue;
    candidates.push(...sources.map((source) => path.slice(0, -written.length) + source));
  }
  candidates.push(
    join(path, 'package.json'),
    ...extensions.map((extension) => join(path, `index${extension}`)),
  );
  return candidates;
}
