import { SourceMap, type SourceMapPayload } from 'node:module';
import type { SourcePlace } from '../problem.ts';

/** `new AsyncFunction` puts its parameters on two lines of their own before the body. */
const linesBefore = 2;

/**
 * Reads stacks in the lines of a plugin's sources. The map is parsed with the first error; it lives as long
 * as the module's owner, and keeps nothing of the module itself.
 */
export class Trace {
  /** Under which name V8 knows the code. */
  readonly url: string;
  readonly #file: string;
  readonly #position: RegExp;
  /** A frame of the module's own code, which V8 calls `eval`; in a module it has no name. */
  readonly #topLevel: RegExp;
  #map: string | SourceMap;

  constructor(file: string, url: string, map: string) {
    this.#file = file;
    this.url = url;
    const place = `${escapeRegExp(url)}:(\\d+):(\\d+)`;
    this.#position = new RegExp(place, 'g');
    this.#topLevel = new RegExp(`^(\\s+at (?:async )?)eval \\((${place})\\)$`);
    this.#map = map;
  }

  /** The frames of the stack, without the message at its head. */
  frames(error: unknown): string {
    return framesOf(error)
      .map((frame) =>
        frame
          .replace(this.#topLevel, '$1$2')
          .replace(this.#position, (_, line: string, column: string) =>
            textOf(this.#placeInStack(Number(line), Number(column))),
          ),
      )
      .join('\n');
  }

  /** The first place of the stack that is in the plugin's own sources. */
  placeOf(error: unknown): SourcePlace | undefined {
    for (const frame of framesOf(error)) {
      const [, line, column] = new RegExp(this.#position.source).exec(frame) ?? [];
      if (line !== undefined) return this.#placeInStack(Number(line), Number(column));
    }
    return undefined;
  }

  /** Where a place of the build's code comes from; lines and columns from 1. */
  placeAt(line: number, column: number): SourcePlace {
    const found = this.#parsed().findEntry(line - 1, column - 1);
    // Code that the compiler added has no source; the entry found is then one of a line before, or empty.
    if (!('originalSource' in found) || !found.originalSource || found.generatedLine !== line - 1) {
      return this.start;
    }
    return {
      file: found.originalSource,
      line: found.originalLine + 1,
      column: found.originalColumn + 1,
    };
  }

  /** Where nothing more exact is known. */
  get start(): SourcePlace {
    return { file: this.#file };
  }

  /** Where a script with the code's own lines cannot be parsed: V8 puts it before the message, with a caret. */
  placeOfSyntaxError(parse: () => void): SourcePlace | undefined {
    try {
      parse();
      return undefined;
    } catch (error) {
      const stack = error instanceof Error ? (error.stack ?? '') : '';
      const [, line, before = ''] =
        new RegExp(`^${escapeRegExp(this.url)}:(\\d+)\n.*\n( *)\\^`).exec(stack) ?? [];
      return line === undefined ? undefined : this.#placeInStack(Number(line), before.length + 1);
    }
  }

  #placeInStack(line: number, column: number): SourcePlace {
    return this.placeAt(line - linesBefore, column);
  }

  #parsed(): SourceMap {
    if (typeof this.#map === 'string') this.#map = new SourceMap(JSON.parse(this.#map) as SourceMapPayload);
    return this.#map;
  }
}

function textOf({ file, line, column }: SourcePlace): string {
  return line === undefined ? file : `${file}:${line}:${column ?? 1}`;
}

/** Whatever was thrown has been made by somebody else: its stack may be anything, or throw. */
function framesOf(error: unknown): string[] {
  try {
    if (!(error instanceof Error) || typeof error.stack !== 'string') return [];
    const { stack } = error;
    const head = `${error.name}: ${error.message}`;
    const frames = stack.startsWith(head) ? stack.slice(head.length) : stack;
    return frames.split('\n').filter((line) => /^\s+at /.test(line));
  } catch {
    return [];
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
