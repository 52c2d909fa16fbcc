import { findSightline } from './find-sightline.ts';
import { planVisits } from './mixture.ts';
import { type DemoOptions, OptionsError, readOptions, usage } from './options.ts';
import { Progress } from './progress.ts';
import { Tally } from './tally.ts';
import { arrivals } from './tide.ts';
import { Traffic } from './traffic.ts';

/** Traffic for a look at Sightline: `npm run demo`. */

const say = (text: string) => process.stdout.write(`${text}\n`);
const complain = (text: string) => process.stderr.write(`demo: ${text}\n`);

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === undefined) {
    say(usage);
    return 0;
  }
  const stop = new AbortController();
  // Once: whoever asks a second time does not want to wait for what is under way.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  if (!(await isReady(options, stop.signal))) return stop.signal.aborted ? 0 : 1;
  await send(options, stop.signal);
  return 0;
}

async function isReady(options: DemoOptions, signal: AbortSignal): Promise<boolean> {
  const { origin } = options.baseUrl;
  const found = await findSightline(options, signal);
  if (found.answers === 'simulator') return true;
  if (signal.aborted) return false;
  if (found.answers === 'nobody') {
    complain(`nobody answers at ${origin}; start it with npm start, or set SIGHTLINE_URL`);
    return false;
  }
  if (options.anyBackend) return true;
  complain(
    `no simulator answers at ${origin} (status ${found.status}), and real models cost money; --any-backend sends there all the same`,
  );
  return false;
}

async function send(options: DemoOptions, signal: AbortSignal): Promise<void> {
  const { baseUrl, rate, seconds, visits, seed, anthropicPrefix, concurrencyMax } = options;
  const tally = new Tally();
  const traffic = new Traffic({
    baseUrl,
    visits: planVisits({ seed, anthropicPrefix }).take(visits),
    arrivals: arrivals(seed, rate),
    concurrencyMax,
    tally,
  });
  say(`demo: about ${rate} visits a second to ${baseUrl.origin}, seed ${seed}; Ctrl-C ends it`);
  const startedAt = performance.now();
  const ended = Number.isFinite(seconds) ? AbortSignal.timeout(seconds * 1_000) : undefined;
  {
    using _progress = new Progress(process.stdout, tally, traffic);
    await traffic.run(ended ? AbortSignal.any([signal, ended]) : signal);
  }
  const elapsed = ((performance.now() - startedAt) / 1_000).toFixed(1);
  say(`demo: ${traffic.began} visits in ${elapsed} s: ${tally.describeEndings()}; ${tally.describeTokens()}`);
}

try {
  process.exitCode = await main();
} catch (thrown) {
  complain(thrown instanceof OptionsError ? `${thrown.message}; see --help` : String(thrown));
  process.exitCode = 1;
}
