import { hash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { PluginBuild } from '../../../src/plugins/compile/build.ts';
import { PluginBuildError } from '../../../src/plugins/compile/build-error.ts';

/**
 * Compiles as little as a loader needs to be tested: `import './name'` takes another file in, `syntax error`
 * is one, and everything else is code.
 */
export class FakeBuilder {
  /** Every build that was asked for, in order. */
  readonly asked: string[] = [];
  /** Runs when a build has read all its files, before it answers. */
  onRead: (file: string) => Promise<void> | void = () => undefined;

  async build(file: string): Promise<PluginBuild> {
    this.asked.push(file);
    const inputs = new Map<string, string>();
    let code: string;
    try {
      code = this.#read(file, inputs);
    } finally {
      await this.onRead(file);
    }
    const sorted = [...inputs].sort(([a], [b]) => (a < b ? -1 : 1));
    return { file, code, map: '', inputs, hash: hash('sha256', JSON.stringify(sorted)) };
  }

  #read(file: string, inputs: Map<string, string>): string {
    const bytes = readFileSync(file);
    inputs.set(file, hash('sha256', bytes));
    const code = bytes.toString().replace(/import '(.*?)';/g, (_, specifier: string) => {
      const path = resolve(dirname(file), specifier);
      const found = [path, `${path}.ts`, `${path}.js`, `${path}/index.ts`].find(isFile);
      if (!found) throw new PluginBuildError(`cannot find ${specifier}`, { inputs, missing: [path] });
      return inputs.has(found) ? '' : this.#read(found, inputs);
    });
    if (/syntax error/.test(code)) throw new PluginBuildError(`${code} in a file`, { inputs });
    return code;
  }
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
