import { type KeyPath, pathId } from './key-path.ts';
import type { Part, Place, YamlTree } from './yaml-tree.ts';

/** A value and where it stands. */
export interface Finding {
  /** As far as the path leads into the tree: inside a shorthand, the shorthand itself. */
  readonly path: KeyPath;
  readonly value: unknown;
}

/** The file's values with the variables' laid over them, before anything is expanded or checked. */
export class ConfigTree {
  readonly #file: YamlTree;
  readonly #variables = new Map<string, string>();
  root: unknown;

  constructor(file: YamlTree) {
    this.#file = file;
    this.root = file.root;
  }

  /** Lays a variable's value over the tree. A wrong value on the way is left for the schema to refuse. */
  overlay(path: readonly string[], value: string, variable: string): void {
    this.root = layer(this.root, path, value);
    this.#variables.set(pathId(path), variable);
  }

  isFromVariable(path: KeyPath): boolean {
    return this.#variables.has(pathId(path));
  }

  find(path: KeyPath): Finding {
    let value = this.root;
    let depth = 0;
    for (const key of path) {
      if (typeof value !== 'object' || value === null) break;
      value = Object.getOwnPropertyDescriptor(value, key)?.value;
      depth++;
    }
    return { path: path.slice(0, depth), value };
  }

  /** A variable, or a place in the file. What is missing has the place of what should hold it. */
  place(path: KeyPath, part: Part): Place {
    for (let depth = path.length; depth > 0; depth--) {
      const ancestor = path.slice(0, depth);
      const variable = this.#variables.get(pathId(ancestor));
      if (variable !== undefined) return { source: variable, offset: -1 };
      const place = this.#file.place(ancestor, depth === path.length ? part : 'key');
      if (place) return place;
    }
    return this.#file.place([], 'value') ?? { source: 'configuration', offset: -1 };
  }
}

function layer(node: unknown, [key, ...rest]: readonly string[], value: string): unknown {
  if (key === undefined) return value;
  // The one text that may stand for a mapping is an upstream's address: its url is what is laid over it.
  const members =
    node === null || node === undefined || (typeof node === 'string' && key === 'url') ? {} : node;
  return isMapping(members) ? { ...members, [key]: layer(members[key], rest, value) } : node;
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
