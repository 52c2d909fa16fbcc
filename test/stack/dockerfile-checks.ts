import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execForm, type Instruction, isIgnored, type Stage } from './dockerfile.ts';

/** What a linter of Dockerfiles does not know: of this repository, and of what an image should be like. */
export function dockerfileProblems(stages: readonly Stage[], dockerignore: string, root: string): string[] {
  return [
    ...stages.flatMap((stage, index) => fromProblems(stage, stages.slice(0, index))),
    ...stages.flatMap(({ instructions }) => instructions.flatMap(instructionProblems)),
    ...stages.flatMap((stage, index) =>
      stage.instructions.flatMap((one) => copyProblems(one, stages.slice(0, index), dockerignore, root)),
    ),
    ...imageProblems(stages),
  ];
}

function fromProblems({ from }: Stage, before: readonly Stage[]): string[] {
  const isStage = before.some(({ name }) => name === from);
  if (isStage || /:\d+\.\d+\.\d+\S*$/.test(from)) return [];
  return [`FROM ${from} is neither a stage nor pinned to a version`];
}

function instructionProblems({ keyword, text }: Instruction): string[] {
  if (keyword === 'ADD') return ['ADD unpacks and downloads; COPY does not'];
  const isSecret = /(token|secret|password|api_?key)\w*=/i.test(text);
  return (keyword === 'ENV' || keyword === 'ARG') && isSecret
    ? [`${keyword} ${text} would stay in a layer`]
    : [];
}

function copyProblems(
  { keyword, options, text }: Instruction,
  before: readonly Stage[],
  dockerignore: string,
  root: string,
): string[] {
  if (keyword !== 'COPY') return [];
  if (options.from !== undefined) {
    return before.some(({ name }) => name === options.from)
      ? []
      : [`COPY --from=${options.from}: no such stage`];
  }
  return text
    .split(/\s+/)
    .slice(0, -1)
    .flatMap((source) => [
      ...(existsSync(join(root, source)) ? [] : [`COPY ${source}: there is no such file`]),
      ...(isIgnored(source, dockerignore) ? [`COPY ${source}: .dockerignore leaves it out`] : []),
    ]);
}

/** Of the last stage, which is the image. */
function imageProblems(stages: readonly Stage[]): string[] {
  const { instructions = [] } = stages.at(-1) ?? {};
  const last = (keyword: string) => instructions.findLast((one) => one.keyword === keyword)?.text;
  const user = last('USER');
  const entrypoint = last('ENTRYPOINT');
  const wanted = {
    'runs as root': user !== undefined && !/^(root|0)(:|$)/.test(user),
    'has no health check': /\bCMD \[/.test(last('HEALTHCHECK') ?? ''),
    'says nothing of its ports': last('EXPOSE') !== undefined,
    'does not end on SIGTERM': last('STOPSIGNAL') === 'SIGTERM',
    'says nothing of what it is': last('LABEL')?.includes('org.opencontainers.image.title=') === true,
    'is built for development': instructions.some(
      ({ keyword, text }) => keyword === 'ENV' && text.includes('NODE_ENV=production'),
    ),
    'starts a shell, which keeps signals to itself': entrypoint !== undefined && isExecForm(entrypoint),
  };
  return Object.entries(wanted).flatMap(([text, isFine]) => (isFine ? [] : [`the image ${text}`]));
}

function isExecForm(text: string): boolean {
  try {
    return execForm(text).length > 0;
  } catch {
    return false;
  }
}
