import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ModuleRequest, ModuleScope } from '../compile/module-scope.ts';
import { PluginProblem } from '../problem.ts';
import { describe } from './evaluate-problem.ts';
import { importPackage, resolvePackage } from './packages.ts';
import type { Trace } from './trace.ts';

/** What one evaluated module reaches of the world around it. */
export class Scope implements ModuleScope {
  readonly #trace: Trace;

  readonly #signal: AbortSignal | undefined;

  constructor(trace: Trace, signal: AbortSignal | undefined) {
    this.#trace = trace;
    this.#signal = signal;
  }

  // One after the other, as the imports of a module run.
  async modules(requests: readonly ModuleRequest[]): Promise<object[]> {
    const namespaces: object[] = [];
    for (const request of requests) namespaces.push(await this.#module(request));
    // Given up meanwhile: then the code after its imports does not begin.
    this.#signal?.throwIfAborted();
    return namespaces;
  }

  async #module(request: ModuleRequest): Promise<object> {
    const { specifier, names, from, line, column, attributes } = request;
    const fail = (message: string, cause?: unknown) =>
      new PluginProblem('evaluate', message, this.#trace.placeAt(line, column), cause);
    let namespace: object;
    try {
      namespace = await importPackage(specifier, from, attributes && { with: attributes });
    } catch (error) {
      throw fail(describe(error), error);
    }
    const missing = names.find((name) => !(name in namespace));
    if (missing === undefined) return namespace;
    // In the words of Node.
    throw fail(`The requested module '${specifier}' does not provide an export named '${missing}'`);
  }

  importer(from: string): (specifier: unknown, options?: ImportCallOptions) => Promise<object> {
    return async (specifier, options) => importPackage(String(specifier), from, options);
  }

  meta(from: string): object {
    const { href: url } = pathToFileURL(from);
    return {
      __proto__: null,
      dirname: dirname(from),
      filename: from,
      main: false,
      resolve: (specifier: unknown) => resolvePackage(String(specifier), from),
      url,
    };
  }

  exportAll(exports: object, namespaces: readonly object[]): object {
    for (const namespace of namespaces) {
      for (const name of Object.keys(namespace)) {
        if (name === 'default' || name in exports) continue;
        Object.defineProperty(exports, name, { enumerable: true, get: () => Reflect.get(namespace, name) });
      }
    }
    return exports;
  }
}
