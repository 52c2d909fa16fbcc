import { flatness } from './flatness.ts';
import { pageUnderLoad, type Sample } from './page-under-load.ts';

/*
 * `npm run soak:console`: the console open for half an hour at 10,000 exchanges a minute. Prints figures, and exits
 * with 1 where memory has grown. `node test/console/memory/main.ts 5` takes five minutes.
 */

const minutes = Number(process.argv[2] ?? 30);
const mb = (bytes: number) => (bytes / 1_000_000).toFixed(1).padStart(7);

const print = ({ atSeconds, serviceBytes, serviceRssBytes, pageBytes, pageNodes, exchanges }: Sample) =>
  process.stdout.write(
    `${String(atSeconds).padStart(5)} s  service ${mb(serviceBytes)} MB (RSS ${mb(serviceRssBytes)})  page ${mb(pageBytes)} MB, ${pageNodes} nodes  ${exchanges} exchanges\n`,
  );

const rounds = 30;
const samples = await pageUnderLoad({
  rounds,
  requestsPerSecond: 10_000 / 60,
  secondsPerRound: (minutes * 60) / rounds,
  onSample: print,
});
for (const figure of ['serviceBytes', 'pageBytes', 'pageNodes'] as const) {
  const { before, after, ratio } = flatness(samples, figure);
  process.stdout.write(`${figure}: ${before} → ${after}, × ${ratio.toFixed(3)}\n`);
  if (ratio > 1.05) process.exitCode = 1;
}
