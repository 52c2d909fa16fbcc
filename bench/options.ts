import { parseArgs } from 'node:util';

export const usage = `Usage: npm run bench -- [--quick] [--only NAME]… [--against FOLDER]

Measures side by side what a request costs, in CPU time and in latency.

  --quick            under a minute instead of four; slow subjects look slower than they are
  --only NAME        only this subject or workload (several with commas, or given again);
                     the unit of the ratios is always there
  --against FOLDER   another checkout of Sightline as one more subject (may be given again):
                     before and after
  --help             this text
`;

interface Slices {
  readonly rounds: number;
  readonly ms: number;
}

export interface Effort {
  readonly warmReplies: number;
  readonly whole: Slices;
  readonly stream: Slices;
  readonly latency: Slices;
}

const full: Effort = {
  warmReplies: 15_000,
  whole: { rounds: 10, ms: 1_500 },
  stream: { rounds: 6, ms: 2_000 },
  latency: { rounds: 6, ms: 2_000 },
};

const quick: Effort = {
  warmReplies: 3_000,
  whole: { rounds: 4, ms: 400 },
  stream: { rounds: 2, ms: 400 },
  latency: { rounds: 2, ms: 500 },
};

export interface Options {
  readonly effort: Effort;
  readonly against: readonly string[];
  readonly help: boolean;
  /** Of a kind, the ones that `--only` names; all where it names none of the kind. */
  choose<T extends { readonly name: string }>(kind: readonly T[]): T[];
}

/** Throws where `--only` names nothing that is known. */
export function readOptions(knownNames: (against: readonly string[]) => readonly string[]): Options {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      against: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick: isQuick, against, help } = values;
  const only = values.only.flatMap((names) => names.split(','));
  const known = knownNames(against);
  const unknown = only.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Error(`--only: '${unknown}' is unknown; expected some of ${known.join(', ')}`);
  return {
    effort: isQuick ? quick : full,
    against,
    help,
    choose(kind) {
      const chosen = kind.filter(({ name }) => only.includes(name));
      return chosen.length > 0 ? chosen : [...kind];
    },
  };
}
