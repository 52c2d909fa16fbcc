import { closeSync, openSync, readSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import type { Problem } from './problems.ts';
import { parseYaml, type YamlTree } from './yaml-tree.ts';

const defaultFile = 'sightline.yaml';

/** Far above any configuration that people write; a wrong path (a log, a device) is not read to its end. */
const fileBytesMax = 1024 * 1024;

export interface ConfigFile extends YamlTree {
  /** Absolute; `undefined` where there is no file. */
  readonly path: string | undefined;
}

/** Reads the file that `SIGHTLINE_CONFIG` names, or the default one where it exists. */
export function readConfigFile(named: string | undefined, cwd: string): ConfigFile {
  const path = resolve(cwd, named ?? defaultFile);
  const fromHere = relative(cwd, path);
  const name = fromHere.startsWith('..') || isAbsolute(fromHere) ? path : fromHere;
  try {
    return { path, ...parseYaml(readText(path), name) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && named === undefined) return { path: undefined, ...parseYaml('', name) };
    const reason = code === undefined ? message : (reasons[code] ?? code);
    const problem: Problem =
      named === undefined
        ? { source: name, offset: -1, text: `the file cannot be used: ${reason}` }
        : {
            source: 'SIGHTLINE_CONFIG',
            offset: -1,
            text: `${JSON.stringify(named)} cannot be used: ${reason}`,
          };
    return { ...parseYaml('', name), path, root: undefined, problems: [problem] };
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'expected a file, this is a folder',
  EACCES: 'it may not be read',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'expected text in UTF-8',
};

function readText(path: string): string {
  const buffer = Buffer.alloc(fileBytesMax + 1);
  const descriptor = openSync(path, 'r');
  let length = 0;
  try {
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(descriptor, buffer, length, buffer.length - length, null);
    }
  } finally {
    closeSync(descriptor);
  }
  if (length > fileBytesMax) throw new Error(`expected at most ${fileBytesMax} bytes`);
  return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length));
}
