import { type CommandContext, CommandError, type RunCommand } from './command.ts';

interface CommandRow {
  /** As it is typed, without the program's name. */
  readonly usage: string;
  readonly summary: string;
  /** Loaded only when it runs: a start of the service pays for none of them. */
  load(): Promise<RunCommand>;
}

/** A new command is a row here. */
const commands: Readonly<Record<string, CommandRow>> = {
  'plugin new': {
    usage: 'plugin new NAME [--folder DIR]',
    summary: 'write a plugin to begin with, and its test',
    load: async () => (await import('./plugin-new.ts')).newPlugin,
  },
  'plugin check': {
    usage: 'plugin check FILE…',
    summary: 'validate plugins and their config without starting anything',
    load: async () => (await import('./plugin-check.ts')).checkPlugins,
  },
  'plugin test': {
    usage: 'plugin test FILE…',
    summary: 'run tests of plugins, also outside of this package',
    load: async () => (await import('./plugin-test.ts')).testPlugins,
  },
  'alerts export': {
    usage: 'alerts export [--tests]',
    summary: 'print the rules for Prometheus, or their tests, with the limits of the configuration',
    load: async () => (await import('./alerts-export.ts')).exportAlerts,
  },
};

/** Lines for `--help`. */
export function describeCommands(): string {
  const width = Math.max(...Object.values(commands).map(({ usage }) => usage.length));
  return Object.values(commands)
    .map(({ usage, summary }) => `  sightline ${usage.padEnd(width)}   ${summary}`)
    .join('\n');
}

/** Rejects with a `CommandError` where there is no such command. */
export async function runCommand(args: readonly string[], context: CommandContext): Promise<number> {
  const words = Object.keys(commands).find((name) => name === args.slice(0, 2).join(' '));
  const command = words === undefined ? undefined : commands[words];
  if (words === undefined || !command) {
    const known = Object.keys(commands).join(', ');
    throw new CommandError(
      `"${args.slice(0, 2).join(' ')}" is no command; expected none, which starts the proxy, or one of ${known}.`,
    );
  }
  const rest = args.slice(2);
  const usage = typedAs(words, command, context);
  if (rest.includes('--help')) {
    context.say(`Usage: ${usage}\n\n${sentence(command.summary)}`);
    return 0;
  }
  const run = await command.load();
  try {
    return await run(rest, { ...context, usage });
  } catch (thrown) {
    throw isParseArgsError(thrown) ? new CommandError(`${firstSentence(thrown)}: ${usage}`) : thrown;
  }
}

/** npm hands options on only behind `--`: whoever left it out is told in the words that work. */
function typedAs(words: string, { usage }: CommandRow, { env }: CommandContext): string {
  const script = words.replace(' ', ':');
  return env.npm_lifecycle_event === script
    ? `npm run ${script} -- ${usage.slice(words.length + 1)}`
    : `sightline ${usage}`;
}

function isParseArgsError(thrown: unknown): thrown is Error {
  return thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('ERR_PARSE_ARGS');
}

/** The others explain how to give a name that begins with a hyphen, which nobody meant. */
function firstSentence({ message }: Error): string {
  return message.split(/[.\n]( |$)/, 1)[0] ?? message;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
