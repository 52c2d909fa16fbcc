import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { entries } from './installation.ts';

/*
 * Given to Node by `--import`: tests of plugins that lie anywhere find this installation by its name, and the
 * packages that it brings where they have none of their own.
 */

const own = new Map(Object.entries(entries).map(([name, file]) => [name, pathToFileURL(file).href]));

registerHooks({
  resolve(specifier, context, next) {
    const url = own.get(specifier);
    if (url !== undefined) return { url, shortCircuit: true };
    try {
      return next(specifier, context);
    } catch (thrown) {
      if (!isPackage(specifier)) throw thrown;
      return next(specifier, { ...context, parentURL: import.meta.url });
    }
  },
});

function isPackage(specifier: string): boolean {
  return !/^(\.{0,2}\/|[a-z]+:)/i.test(specifier);
}
