import { inspect } from 'node:util';
import { Script } from 'node:vm';
import { scopeParameters } from '../compile/module-scope.ts';
import { PluginProblem } from '../problem.ts';
import type { Trace } from './trace.ts';

const thrownCharsMax = 200;

/** Whatever an evaluation threw, for people, with its place. */
export function problemOf(thrown: unknown, trace: Trace): PluginProblem {
  if (thrown instanceof PluginProblem) return thrown;
  return new PluginProblem('evaluate', describe(thrown), trace.placeOf(thrown) ?? trace.start, thrown);
}

/**
 * What V8 finds wrong and esbuild does not, such as a broken regular expression. The error itself does not
 * say where; that of a script does.
 */
export function syntaxProblem(error: unknown, code: string, trace: Trace): PluginProblem {
  const place = trace.placeOfSyntaxError(() => {
    new Script(`(async function anonymous(${scopeParameters}\n) {\n${code}\n})`, { filename: trace.url });
  });
  return new PluginProblem('evaluate', describe(error), place ?? trace.start, error);
}

export function describe(thrown: unknown): string {
  try {
    if (thrown instanceof Error) {
      return thrown.name === 'Error' ? thrown.message : `${thrown.name}: ${thrown.message}`;
    }
    const text = inspect(thrown, { depth: 0, customInspect: false }).slice(0, thrownCharsMax);
    return `It threw ${text}, which is not an Error and so does not say where. Expected an Error.`;
  } catch {
    return 'It threw an error that cannot be read.';
  }
}
