#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { CommandError } from './commands/command.ts';
import { describeCommands, runCommand } from './commands/commands.ts';
import type { Config } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { ConfigError } from './config/problems.ts';
import { MiddlewareOptionsError } from './middleware/builtin/index.ts';
import { PluginProblem } from './plugins/problem.ts';
import type { Service } from './service.ts';

const usage = `Usage: sightline [--check]
${describeCommands()}

Without a command it starts the proxy. Configuration: ./sightline.yaml or SIGHTLINE_CONFIG, and SIGHTLINE_* variables; see the README.

  --check   validate the configuration, OTEL_* variables and the plugins, and exit
  --help    this text
`;

const say = (text: string) => process.stdout.write(`${text}\n`);
const complain = (text: string) => process.stderr.write(`${text}\n`);

function readArguments(): { check: boolean; help: boolean } {
  const { values } = parseArgs({
    options: {
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return values;
}

/** Where it is to be found: for people what to try as well, for programs a line of the log among the others. */
function announce(service: Service, config: Config): void {
  const upstreams = service.simulator
    ? 'the embedded simulator (set SIGHTLINE_UPSTREAM to front a real backend)'
    : config.upstreams.map(({ prefix, url }) => `${prefix} → ${url.href}`).join(', ');
  const addresses = `sightline: data ${service.dataUrl} · admin ${service.adminUrl} · upstream ${upstreams}`;
  if (process.stdout.isTTY) say(['', addresses, ...hints(service), ''].join('\n'));
  else service.log.info(addresses);
}

/** Whoever reads the addresses opens the console next; should it not build, it says so itself. */
async function warmConsole(): Promise<void> {
  const { ownPage } = await import('./console/page.ts');
  await ownPage.files().catch(() => undefined);
}

function hints(service: Service): string[] {
  const body = JSON.stringify({
    model: 'gpt-4o',
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: 'Hello!' }],
  });
  const curl = `curl -N ${service.dataUrl}/v1/chat/completions -H 'content-type: application/json' -d '${body}'`;
  return [
    ...(service.simulator ? [`try:       ${curl}`] : []),
    `then see:  ${service.adminUrl} in a browser`,
  ];
}

/** What a plugin throws where nobody waits for it harms the plugin alone; of all else the process dies, as ever. */
function surviveStrayErrors(service: Service): void {
  const survive = (thrown: unknown) => {
    if (service.plugins.manager.ownsStray(thrown)) return;
    complain(`sightline: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`);
    process.exit(1);
  };
  process.on('uncaughtException', survive);
  process.on('unhandledRejection', survive);
}

async function main(): Promise<number | undefined> {
  const args = process.argv.slice(2);
  if (args[0] !== undefined && !args[0].startsWith('-')) {
    return runCommand(args, { cwd: process.cwd(), env: process.env, say, complain });
  }
  const { check, help } = readArguments();
  if (help) {
    say(usage);
    return 0;
  }
  if (check) {
    const { checkConfig } = await import('./commands/check-config.ts');
    return checkConfig({ cwd: process.cwd(), env: process.env, say, complain });
  }
  const config = loadConfig(process.env, process.cwd());
  // Commands have no use for it, and it is most of what there is to load.
  const { Service } = await import('./service.ts');
  const service = await Service.start({ config, env: process.env, onCreated: surviveStrayErrors });
  announce(service, config);
  if (process.stdout.isTTY) void warmConsole();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      void service.stop().then(() => process.exit(0));
    });
  }
  return undefined;
}

try {
  const code = await main();
  if (code !== undefined) process.exitCode = code;
} catch (thrown) {
  complain(`sightline: ${messageOf(thrown)}`);
  process.exitCode = 1;
}

/** What is wrong with the configuration, a plugin or an address is for people; a stack would only hide it. */
function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown instanceof PluginProblem) return thrown.describe();
  if ('code' in thrown && thrown.code === 'EADDRINUSE') {
    return `${thrown.message}; set SIGHTLINE_PORT or SIGHTLINE_ADMIN_PORT to a free one`;
  }
  const isExpected =
    thrown instanceof ConfigError ||
    thrown instanceof CommandError ||
    thrown instanceof MiddlewareOptionsError ||
    'code' in thrown;
  return isExpected ? thrown.message : (thrown.stack ?? thrown.message);
}
