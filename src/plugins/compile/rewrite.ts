import { init, parse } from 'es-module-lexer';
import type { ModuleRequest } from './module-scope.ts';
import { Names } from './names.ts';

/** As V8 counts lines. */
const lineEnd = /\r\n|[\n\r\u2028\u2029]/g;
/** What stands in braces; names can be strings, and these hold anything. */
const list = /\{((?:"(?:[^"\\]|\\.)*"|[^}"])*)\}/;

/** Which source file a place of the bundle comes from; lines from 1, columns from 0. */
export type OriginOf = (line: number, column: number) => string;

/** `code` has one line more than the bundle, at its head; all else stays in its line and column. */
export async function rewrite(bundle: string, originOf: OriginOf): Promise<string> {
  await init();
  return new Rewriting(bundle, originOf).run();
}

/**
 * Turns an ES module as esbuild prints it into the body of an async function: such a function can be freed,
 * a module never is.
 *
 * Static imports move to the head, as a module's do, and become constants: a binding that a package changes
 * later is not seen to change. `import` and `import.meta` become names of the same length, so that columns
 * stay true. The body stands in a block, because a plugin may declare what is a parameter here: `import
 * { setTimeout } from 'node:timers/promises'` is usual.
 */
class Rewriting {
  readonly #bundle: string;
  readonly #originOf: OriginOf;
  readonly #names: Names;
  readonly #lineStarts: number[];
  readonly #edits: { start: number; end: number; text: string }[] = [];
  readonly #head: string[] = [];
  readonly #requests: ModuleRequest[] = [];
  readonly #bindings: string[] = [];
  readonly #exports: string[] = [];
  readonly #stars: string[] = [];
  /** Source file → name, so that each is declared once. */
  readonly #importers = new Map<string, string>();
  readonly #metas = new Map<string, string>();

  constructor(bundle: string, originOf: OriginOf) {
    // esbuild keeps a hashbang, which is a comment only at the very beginning.
    this.#bundle = bundle.replace(/^#!/, '//');
    this.#originOf = originOf;
    this.#names = new Names(this.#bundle);
    this.#lineStarts = [
      0,
      ...Array.from(this.#bundle.matchAll(lineEnd), (match) => match.index + match[0].length),
    ];
  }

  run(): string {
    const [imports, exports] = parse(this.#bundle);
    for (const one of imports) {
      if (one.type === 'import-meta') this.#meta(one.start, one.end);
      else if (one.phase !== null) throw new SyntaxError(`'import ${one.phase}' is not supported in plugins`);
      else if (one.type === 'dynamic') this.#dynamic(one.importStart);
      else this.#static(one);
    }
    for (const start of new Set(exports.map((one) => one.exportStart))) this.#export(start);
    return `${this.#prologue()}\n${this.#body()}\n${this.#epilogue()}`;
  }

  #prologue(): string {
    // The closure keeps `__life` in the function's context, which every closure of the module chains to.
    const head = ['"use strict"', 'void(()=>__life)', ...this.#head];
    const modules = this.#requests.map((_, index) => this.#names.module(index));
    head.push(`const [${modules}]=await __sightline.modules(${JSON.stringify(this.#requests)})`);
    const bindings = this.#bindings.length > 0 ? `const ${this.#bindings};` : '';
    return `${head.join(';')};{${bindings}`;
  }

  #epilogue(): string {
    const own = `{__proto__:null,${this.#exports.join()}}`;
    return this.#stars.length > 0
      ? `return __sightline.exportAll(${own},[${this.#stars}])}`
      : `return ${own}}`;
  }

  #body(): string {
    let code = '';
    let at = 0;
    for (const edit of this.#edits.sort((a, b) => a.start - b.start)) {
      code += this.#bundle.slice(at, edit.start) + edit.text;
      at = edit.end;
    }
    return code + this.#bundle.slice(at);
  }

  #static(one: {
    readonly type: 'static' | 'reexport-star';
    readonly specifier: string;
    readonly start: number;
    readonly importStart: number;
    readonly importEnd: number;
    readonly attributes: ReadonlyArray<readonly [string, string]> | null;
  }): void {
    const { line, column, from } = this.#place(one.importStart);
    const module = this.#names.module(this.#requests.length);
    const names: string[] = [];
    if (one.type === 'reexport-star') {
      this.#stars.push(module);
    } else {
      const clause = this.#bundle.slice(one.importStart + 'import'.length, one.start - 1);
      for (const { imported, local } of readImportClause(clause)) {
        if (imported === '*') this.#bindings.push(`${local}=${module}`);
        else {
          names.push(imported);
          this.#bindings.push(`{${JSON.stringify(imported)}:${local}}=${module}`);
        }
      }
    }
    const attributes = one.attributes && { attributes: Object.fromEntries(one.attributes) };
    const { specifier } = one;
    // One line more at the head, and columns of people count from 1.
    this.#requests.push({ specifier, names, from, line: line + 1, column: column + 1, ...attributes });
    this.#blank(one.importStart, one.importEnd);
  }

  #dynamic(start: number): void {
    const { from } = this.#place(start);
    const name = this.#names.sixChars(this.#importers, from);
    if (name.isNew) this.#head.push(`const ${name.text}=__sightline.importer(${JSON.stringify(from)})`);
    this.#edits.push({ start, end: start + 'import'.length, text: name.text });
  }

  #meta(start: number, end: number): void {
    const { from } = this.#place(start);
    const name = this.#names.elevenChars(this.#metas, from);
    if (name.isNew) this.#head.push(`const ${name.text}=__sightline.meta(${JSON.stringify(from)})`);
    this.#edits.push({ start, end, text: name.text });
  }

  /** esbuild prints `export {…}`, `export * from` (an import, too) and, for CommonJS, `export default …`. */
  #export(start: number): void {
    const rest = this.#bundle.slice(start);
    const names = /^export\s*\{/.test(rest) && list.exec(rest);
    if (names) {
      for (const [local, exported] of readList(names[1] ?? '')) this.#exportOf(exported, local);
      this.#blank(start, start + names.index + names[0].length);
      return;
    }
    const expression = /^export\s+default\s/.exec(rest);
    if (expression) {
      const local = this.#names.defaultExport;
      this.#edits.push({ start, end: start + expression[0].length, text: `const ${local}=` });
      this.#exportOf('default', local);
      return;
    }
    if (!/^export\s*\*/.test(rest)) throw new SyntaxError(`Unexpected export: ${rest.slice(0, 40)}`);
  }

  #exportOf(exported: string, local: string): void {
    this.#exports.push(`get ${JSON.stringify(exported)}(){return ${local}}`);
  }

  /** Takes a statement away, but for its line breaks. */
  #blank(start: number, end: number): void {
    const text = this.#bundle.slice(start, end).replace(/[^\n\r\u2028\u2029]+/g, '');
    this.#edits.push({ start, end, text });
  }

  #place(index: number): { line: number; column: number; from: string } {
    let low = 0;
    let high = this.#lineStarts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= index) low = middle;
      else high = middle;
    }
    const column = index - (this.#lineStarts[low] ?? 0);
    return { line: low + 1, column, from: this.#originOf(low + 1, column) };
  }
}

/** What stands between `import` and the specifier: `x, * as y, { a as b, "c d" as e } from`. */
function readImportClause(clause: string): { imported: string; local: string }[] {
  const bindings = readList(list.exec(clause)?.[1] ?? '').map(([imported, local]) => ({ imported, local }));
  const outside = clause.replace(list, '').replace(/\bfrom\s*$/, '');
  for (const part of outside.split(',').map((text) => text.trim())) {
    const namespace = /^\*\s*as\s+(\S+)$/.exec(part)?.[1];
    if (namespace) bindings.push({ imported: '*', local: namespace });
    else if (part) bindings.push({ imported: 'default', local: part });
  }
  return bindings;
}

/** `a, b as c, "d e" as f`, as pairs; of strings, what they say. */
function readList(text: string): [string, string][] {
  const parts = text.matchAll(/("(?:[^"\\]|\\.)*"|[^\s,]+)(?:\s+as\s+("(?:[^"\\]|\\.)*"|[^\s,]+))?/g);
  return Array.from(parts, ([, first = '', second = first]) => [unquote(first), unquote(second)]);
}

function unquote(name: string): string {
  return name.startsWith('"') ? String(JSON.parse(name)) : name;
}
