import { formatPath, type KeyPath } from './key-path.ts';
import type { ConfigTree } from './tree.ts';

/** One thing that is wrong, and where. */
export interface Problem {
  /** A place in the file (`sightline.yaml:3:9`) or a variable's name. */
  readonly source: string;
  /** Orders the problems of a file as they stand in it; those of variables come first. */
  readonly offset: number;
  readonly text: string;
}

/** The configuration cannot be used. The message lists every problem, one a line, ready to be printed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly Problem[]) {
    const sorted = problems.toSorted((a, b) => a.offset - b.offset);
    const lines = [...new Set(sorted.map(({ source, text }) => `${source}: ${text}`))];
    const title = lines.length === 1 ? 'a problem' : `${lines.length} problems`;
    super([`The configuration has ${title}:`, ...lines.map((line) => `  ${line}`)].join('\n'));
    this.problems = lines;
  }
}

/** `data.port is "80a"; expected …`, with its place. Secrets are masked. */
export function badValue(tree: ConfigTree, path: KeyPath, expected: string): Problem {
  const found = tree.find(path);
  const state = found.value === undefined ? 'is missing' : `is ${show(found.value, found.path)}`;
  return {
    ...tree.place(found.path, 'value'),
    text: `${formatPath(found.path)} ${state}; expected ${expected}`,
  };
}

/** Any other statement about a key. */
export function badKey(tree: ConfigTree, path: KeyPath, statement: string): Problem {
  return { ...tree.place(path, 'key'), text: `${formatPath(path)} ${statement}` };
}

const shownCharsMax = 80;
const secretKey = /token|secret|password|key|auth|credential|cookie/i;
/** Those of webhooks have their secret in the path. */
const secretParts: readonly (string | number)[] = ['headers', 'webhooks'];

/** A value as the file has it: text that a variable would bring is never shown. */
function show(value: unknown, path: KeyPath): string {
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'empty';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string' && /^\$\{\w+\}$/.test(value)) return JSON.stringify(value);
  if (isSecret(path)) return '***';
  if (typeof value !== 'string') return String(value);
  const masked = maskAddress(value);
  return JSON.stringify(masked.length > shownCharsMax ? `${masked.slice(0, shownCharsMax)}…` : masked);
}

function isSecret(path: KeyPath): boolean {
  // Two of them are about tokens of models.
  if (path[0] === 'alerts' && path[1] === 'thresholds') return false;
  return path.some((key) => secretParts.includes(key) || secretKey.test(String(key)));
}

/** Addresses carry secrets in their credentials, and keys in their query. */
function maskAddress(text: string): string {
  return text.includes('://') ? text.replace(/(:\/\/).*@/, '$1***@').replace(/([?#]).*$/s, '$1***') : text;
}
