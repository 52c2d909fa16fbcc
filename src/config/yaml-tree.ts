import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLError } from 'yaml';
import { formatPath, type KeyPath, pathId } from './key-path.ts';
import type { Problem } from './problems.ts';

/** A YAML text as plain values, and where each of them stands. */
export interface YamlTree {
  /** `{}` for an empty text, `undefined` for one that is not YAML. */
  readonly root: unknown;
  readonly problems: readonly Problem[];
  /** Where a key or its value stands; `undefined` for what the text does not hold. */
  place(path: KeyPath, part: Part): Place | undefined;
}

export type Part = 'key' | 'value';
export type Place = Pick<Problem, 'source' | 'offset'>;

export function parseYaml(text: string, name: string): YamlTree {
  const lineCounter = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset);
    return { source: `${name}:${line}:${col}`, offset };
  };
  // Repeated keys are refused by the reader, which knows their path.
  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    uniqueKeys: false,
    stringKeys: true,
  });
  // The first error is the mistake; the parser's later ones mostly follow from it.
  const error = document.errors[0] ?? document.warnings[0];
  const refuse = (offset: number, statement: string): YamlTree => ({
    root: undefined,
    problems: [{ ...at(offset), text: statement }],
    place: () => undefined,
  });
  if (error) return refuse(error.pos[0], syntaxProblem(error, text));

  const reader = new Reader((alias) => (isAlias(alias) ? alias.resolve(document) : alias));
  try {
    const root = reader.read(document.contents, [], 0) ?? {};
    const problems = reader.repeated.map(({ path, offset }) => ({
      ...at(offset),
      text: `${formatPath(path)} is given twice; expected once`,
    }));
    const place = (path: KeyPath, part: Part) => {
      const offsets = reader.offsets.get(pathId(path));
      return offsets && at(offsets[part]);
    };
    return { root, problems, place };
  } catch (thrown) {
    if (thrown instanceof UnreadableNode) return refuse(thrown.offset, thrown.message);
    throw thrown;
  }
}

/** Aliases multiply what a small file holds, and may contain themselves. */
const nodesMax = 20_000;
const depthMax = 32;

/** Turns the parser's nodes into plain values, and notes where each was. */
class Reader {
  readonly offsets = new Map<string, Record<Part, number>>();
  readonly repeated: { path: KeyPath; offset: number }[] = [];
  readonly #resolve: (node: unknown) => unknown;

  constructor(resolve: (node: unknown) => unknown) {
    this.#resolve = resolve;
  }

  read(node: unknown, path: KeyPath, keyOffset: number): unknown {
    const target = this.#resolve(node);
    if (node && !target)
      throw new UnreadableNode(keyOffset, 'this alias names no anchor that stands before it');
    const offset = offsetOf(target) ?? keyOffset;
    this.offsets.set(pathId(path), { key: keyOffset, value: offset });
    if (this.offsets.size > nodesMax || path.length > depthMax) {
      throw new UnreadableNode(
        keyOffset,
        `expected at most ${nodesMax} values, nested at most ${depthMax} deep`,
      );
    }
    if (isScalar(target)) return target.value;
    if (isSeq(target)) {
      return target.items.map((item, index) => this.read(item, [...path, index], offsetOf(item) ?? offset));
    }
    if (!isMap(target)) return null;
    const members = new Map<string, unknown>();
    for (const pair of target.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
      const pairOffset = offsetOf(pair.key) ?? offset;
      const pairPath = [...path, key];
      if (members.has(key)) this.repeated.push({ path: pairPath, offset: pairOffset });
      else members.set(key, this.read(pair.value, pairPath, pairOffset));
    }
    return Object.fromEntries(members);
  }
}

class UnreadableNode extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

function offsetOf(node: unknown): number | undefined {
  return (node as Partial<Node> | null)?.range?.[0];
}

/** Where the parser speaks to programmers. */
const plainer: Readonly<Record<string, string>> = {
  NON_STRING_KEY: 'a key has to be a plain text',
  MULTIPLE_DOCS: 'one document was expected, and this begins another',
};

function syntaxProblem(error: YAMLError, text: string): string {
  // The parser quotes the source, which may hold a secret.
  const message = plainer[error.code] ?? error.message.replace(/: ".*$/s, '');
  const line = text.slice(text.lastIndexOf('\n', error.pos[0] - 1) + 1, error.pos[0] + 1);
  const hint = /\$\{$/.test(line) ? `; inside { } and [ ], text with "\${NAME}" needs quotes` : '';
  return `this is not valid YAML: ${message}${hint}`;
}
