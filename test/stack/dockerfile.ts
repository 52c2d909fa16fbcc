/*
 * As much of the format of Dockerfiles as ours uses: stages, instructions that go over several lines, options
 * such as `--from=build`. https://docs.docker.com/reference/dockerfile/
 */

export interface Instruction {
  readonly keyword: string;
  readonly options: Readonly<Record<string, string>>;
  /** What stands behind the options, on one line. */
  readonly text: string;
}

export interface Stage {
  readonly name: string;
  /** An image, or the name of a stage before it. */
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

export function parseDockerfile(text: string): Stage[] {
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const instruction of instructionsOf(text)) {
    if (instruction.keyword === 'FROM') {
      const [from = '', , name = ''] = instruction.text.split(/\s+/);
      stages.push({ name, from, instructions: [] });
    } else {
      const stage = stages.at(-1);
      if (!stage) throw new Error(`${instruction.keyword} stands before the first FROM`);
      stage.instructions.push(instruction);
    }
  }
  return stages;
}

function instructionsOf(text: string): Instruction[] {
  return text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, keyword = '', flags = '', rest = ''] = /^(\S+)\s+((?:--\S+\s+)*)(.*)$/.exec(line.trim()) ?? [];
      const options = Object.fromEntries(
        [...flags.matchAll(/--([\w-]+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value] as const),
      );
      return { keyword: keyword.toUpperCase(), options, text: rest };
    });
}

/** The arguments of an instruction in its JSON form: `["node", "main.js"]`. */
export function execForm(text: string): string[] {
  const parts: unknown = JSON.parse(text);
  if (Array.isArray(parts) && parts.every((part) => typeof part === 'string')) return parts;
  throw new Error(`${text} is not in exec form`);
}

/**
 * Does .dockerignore keep this path out of the build? The last pattern that matches the path or a folder that
 * it is in decides. Of the patterns' syntax it knows names and a single `*`.
 */
export function isIgnored(path: string, dockerignore: string): boolean {
  const lines = dockerignore.split('\n').map((line) => line.trim());
  let isOut = false;
  for (const line of lines.filter((line) => line !== '' && !line.startsWith('#'))) {
    const isException = line.startsWith('!');
    const pattern = (isException ? line.slice(1) : line).replace(/\/$/, '');
    if (matches(path, pattern)) isOut = !isException;
  }
  return isOut;
}

function matches(path: string, pattern: string): boolean {
  const depth = pattern.split('/').length;
  const folder = path.split('/').slice(0, depth).join('/');
  const expression = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*');
  return new RegExp(`^${expression}$`).test(folder);
}
