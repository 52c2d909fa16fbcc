import { startSimulator } from './simulator.ts';

/** The simulator on its own: `npm run simulator`. A rate of 0 tokens a second means without a pause. */

function numberFrom(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (Number.isNaN(value) || value < 0)
    throw new Error(`${name} has to be a number of at least 0, not "${text}".`);
  return value;
}

const simulator = await startSimulator({
  host: process.env.SIMULATOR_HOST || '127.0.0.1',
  port: numberFrom('SIMULATOR_PORT', 4010),
  seed: numberFrom('SIMULATOR_SEED', 1),
  timeToFirstTokenMs: numberFrom('SIMULATOR_TTFT_MS', 120),
  tokensPerSecond: numberFrom('SIMULATOR_TOKENS_PER_SECOND', 60) || Number.POSITIVE_INFINITY,
  journalMax: numberFrom('SIMULATOR_JOURNAL_MAX', 1_000),
});

const body = '{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hello"}]}';
process.stdout.write(
  `The simulator listens on ${simulator.url}\n` +
    `curl -N ${simulator.url}/v1/chat/completions -H 'content-type: application/json' -d '${body}'\n`,
);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void simulator.close();
  });
}
