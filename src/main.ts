#!/usr/bin/env node
import { parseArgs } from 'node:util';
import type { Config } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { ConfigError } from './config/problems.ts';
import { createMiddleware, MiddlewareOptionsError } from './middleware/builtin/index.ts';
import { Service } from './service.ts';

const usage = `Usage: sightline [--check]

Starts the proxy. Configuration: ./sightline.yaml or SIGHTLINE_CONFIG, and SIGHTLINE_* variables; see the README.

  --check   validate the configuration and exit
  --help    this text
`;

const say = (text: string) => process.stdout.write(`${text}\n`);
const complain = (text: string) => process.stderr.write(`${text}\n`);

function readArguments(): { check: boolean; help: boolean } {
  const { values } = parseArgs({
    options: { check: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  return values;
}

function announce(service: Service, config: Config): void {
  const upstreams = service.simulator
    ? 'the embedded simulator (set SIGHTLINE_UPSTREAM to front a real backend)'
    : config.upstreams.map(({ prefix, url }) => `${prefix} → ${url.href}`).join(', ');
  say(`sightline: data ${service.dataUrl} · admin ${service.adminUrl} · upstream ${upstreams}`);
  if (service.simulator) {
    const body = JSON.stringify({
      model: 'gpt-4o',
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content: 'Hello!' }],
    });
    say(
      `try:       curl -N ${service.dataUrl}/v1/chat/completions -H 'content-type: application/json' -d '${body}'`,
    );
  }
  say(`then see:  curl ${service.adminUrl}/api/traces`);
}

async function main(): Promise<number | undefined> {
  const { check, help } = readArguments();
  if (help) {
    say(usage);
    return 0;
  }
  const config = loadConfig(process.env, process.cwd());
  if (check) {
    createMiddleware(config.middleware);
    say(`sightline: the configuration is valid${config.source ? ` (${config.source})` : ''}.`);
    return 0;
  }
  const service = await Service.start({ config, env: process.env });
  announce(service, config);
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
  // What is wrong with the configuration or an address is for people; a stack would only hide it.
  const isExpected =
    thrown instanceof ConfigError ||
    thrown instanceof MiddlewareOptionsError ||
    (thrown instanceof Error && 'code' in thrown);
  complain(
    `sightline: ${thrown instanceof Error ? (isExpected ? thrown.message : thrown.stack) : String(thrown)}`,
  );
  process.exitCode = 1;
}
