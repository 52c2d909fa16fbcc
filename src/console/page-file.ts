import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';

/** A file of the page, as it is served. */
export interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
  /** Absent of a map, which only a debugger reads. */
  readonly zipped?: Buffer;
  /** Of both, so a weak one (RFC 9110 §8.8.1). */
  readonly etag: string;
}

/** The files that there can be. Maps only where the page is bundled from its sources. */
export const fileTypes = {
  'index.html': 'text/html; charset=utf-8',
  'console.js': 'text/javascript; charset=utf-8',
  'console.css': 'text/css; charset=utf-8',
  'console.js.map': 'application/json',
  'console.css.map': 'application/json',
  'icon.svg': 'image/svg+xml',
  'licenses.txt': 'text/plain; charset=utf-8',
} as const;

export type PageFiles = ReadonlyMap<string, PageFile>;

const zip = promisify(gzip);

/** All is compressed here, once. */
export async function servable(files: ReadonlyMap<string, Buffer>): Promise<PageFiles> {
  const known = Object.entries(fileTypes).map(async ([name, type]) => {
    const bytes = files.get(name);
    return bytes && ([name, await servableFile(type, bytes)] as const);
  });
  return new Map((await Promise.all(known)).filter((entry) => entry !== undefined));
}

async function servableFile(type: string, bytes: Buffer): Promise<PageFile> {
  const zipped = type !== 'application/json' && (await zip(bytes, { level: constants.Z_BEST_COMPRESSION }));
  const hash = createHash('sha256').update(bytes).digest('base64url');
  return { type, bytes, ...(zipped && { zipped }), etag: `W/"${hash.slice(0, 22)}"` };
}
