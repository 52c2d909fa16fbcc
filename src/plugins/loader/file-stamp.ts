import { hash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';

/** How a path looked: two equal stamps are one and the same content. */
export interface Stamp {
  /** Of a file its device, inode, size and times; else what is there instead. */
  readonly text: string;
  /** Wall clock of the latest change that the file system knows of; infinite where there is no file. */
  readonly changedAtMs: number;
  readonly bytes: number;
}

/** What stands in the place of a content hash where there is nothing to hash. */
export const absent = 'absent';
export const notAFile = 'not a file';

export const absentStamp: Stamp = { text: absent, changedAtMs: Number.POSITIVE_INFINITY, bytes: 0 };

/** Links are followed, the swapped folders above the file too: what counts is what a reader would get. */
export async function stampOf(path: string): Promise<Stamp> {
  try {
    const stats = await stat(path);
    // What is inside a folder of a plugin's name concerns nobody, so its times do not count.
    if (!stats.isFile()) return { ...absentStamp, text: notAFile };
    const { dev, ino, size, mtimeMs, ctimeMs } = stats;
    const text = `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`;
    return { text, changedAtMs: Math.max(mtimeMs, ctimeMs), bytes: size };
  } catch (thrown) {
    const code = codeOf(thrown);
    return isMissing(code) ? absentStamp : { ...absentStamp, text: `unreadable: ${code}` };
  }
}

/** SHA-256 (hex) of the bytes; or, where there are none to read, a word for what is there. */
export async function contentOf(path: string, stamp: Stamp, bytesMax: number): Promise<string> {
  // Reading a pipe would wait for a writer; the stamp tells it from a file.
  if (!Number.isFinite(stamp.changedAtMs)) return stamp.text;
  if (stamp.bytes > bytesMax) return `too large: ${stamp.bytes} bytes`;
  try {
    return hash('sha256', await readFile(path), 'hex');
  } catch (thrown) {
    const code = codeOf(thrown);
    return isMissing(code) ? absent : `unreadable: ${code}`;
  }
}

/** A path that leads nowhere: also through a file, a link to nothing, or links in a circle. */
export function isMissing(code: string): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG';
}

export function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : 'unknown';
}
