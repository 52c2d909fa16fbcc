import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { stringify } from 'yaml';
import type { ExchangesWindow } from '../../../src/admin/api/exchanges.ts';
import { Browser, type WatchedPage } from '../../support/browser.ts';

export interface LoadOptions {
  /** How often it goes through the views, and measures. */
  readonly rounds: number;
  readonly requestsPerSecond: number;
  /** From one measurement to the next, on a machine that keeps up. */
  readonly secondsPerRound: number;
  readonly limits?: Readonly<Record<string, number>>;
  readonly onSample?: (sample: Sample) => void;
}

/** What is held on to after a collection of garbage. */
export interface Sample {
  readonly atSeconds: number;
  readonly serviceBytes: number;
  readonly serviceRssBytes: number;
  readonly pageBytes: number;
  readonly pageNodes: number;
  readonly pageListeners: number;
  /** That have ended so far. */
  readonly exchanges: number;
}

interface Addresses {
  readonly dataUrl: string;
  readonly adminUrl: string;
}

/**
 * Sends traffic through a service while its page is open in a browser, and goes through the views in turn. Rejects
 * where the page says that something went wrong.
 */
export async function pageUnderLoad(options: LoadOptions): Promise<Sample[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-page-'));
  await writeFile(
    join(folder, 'sightline.yaml'),
    stringify({
      data: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0 },
      limits: options.limits ?? {},
    }),
  );
  const subject = fork(fileURLToPath(new URL('subject.ts', import.meta.url)), {
    cwd: folder,
    execArgv: ['--expose-gc'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  try {
    const addresses = await next<Addresses>(subject);
    await using browser = await Browser.open();
    await using _traffic = new Traffic(addresses.dataUrl, options.requestsPerSecond);
    // The trace may be gone by the time that the page asks for it: few are kept.
    const page = await browser.page(`${addresses.adminUrl}/#/live`, { expected: [/404 \(Not Found\)/] });
    return await watch(subject, addresses, page, options);
  } finally {
    subject.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

async function watch(
  subject: ChildProcess,
  { adminUrl }: Addresses,
  page: WatchedPage,
  { rounds, secondsPerRound, onSample }: LoadOptions,
): Promise<Sample[]> {
  const startedAt = performance.now();
  const samples: Sample[] = [];
  while (samples.length < rounds) {
    const trace = await newestTrace(adminUrl);
    const views = ['metrics', `traces/${trace}`, 'plugins', 'alerts', 'try', 'live'];
    for (const view of views) {
      await page.page.evaluate(`location.hash = '#/${view}'`);
      await page.page.locator('h1').first().waitFor();
      await delay((secondsPerRound * 1_000) / views.length);
    }
    const atSeconds = Math.round((performance.now() - startedAt) / 1_000);
    const sample = { atSeconds, ...(await measure(subject, adminUrl, page)) };
    samples.push(sample);
    onSample?.(sample);
    page.assertClean();
  }
  return samples;
}

async function measure(subject: ChildProcess, adminUrl: string, page: WatchedPage) {
  subject.send('measure');
  const { heapBytes, rssBytes } = await next<{ heapBytes: number; rssBytes: number }>(subject);
  const session = await page.context.newCDPSession(page.page);
  await session.send('HeapProfiler.collectGarbage');
  await session.send('Performance.enable');
  const { metrics } = await session.send('Performance.getMetrics');
  await session.detach();
  const metric = (name: string) => metrics.find((one) => one.name === name)?.value ?? Number.NaN;
  return {
    serviceBytes: heapBytes,
    serviceRssBytes: rssBytes,
    pageBytes: metric('JSHeapUsedSize'),
    pageNodes: metric('Nodes'),
    pageListeners: metric('JSEventListeners'),
    exchanges: (await windowOf(adminUrl)).newest,
  };
}

async function newestTrace(adminUrl: string): Promise<string> {
  const { exchanges } = await windowOf(adminUrl);
  return exchanges.find(({ traceId }) => traceId)?.traceId ?? '0';
}

async function windowOf(adminUrl: string): Promise<ExchangesWindow> {
  return (await (await fetch(`${adminUrl}/api/exchanges?state=ended&limit=1`)).json()) as ExchangesWindow;
}

/** What the subject says next. Rejects where it ends instead. */
async function next<Message>(subject: ChildProcess): Promise<Message> {
  const over = new AbortController();
  const ended = once(subject, 'exit', over).then(([code]) => {
    throw new Error(`the service ended with ${code}`);
  });
  try {
    const [message] = await Promise.race([once(subject, 'message', over), ended]);
    return message as Message;
  } finally {
    ended.catch(() => undefined);
    over.abort();
  }
}

/** Queries at an even pace, whole and as streams; of some the client hangs up. */
class Traffic implements AsyncDisposable {
  readonly #url: string;
  readonly #agent = new Agent({ connections: 64 });
  readonly #underWay = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #sent = 0;

  constructor(dataUrl: string, perSecond: number) {
    this.#url = `${dataUrl}/v1/chat/completions`;
    const startedAt = performance.now();
    this.#timer = setInterval(() => {
      const due = ((performance.now() - startedAt) / 1_000) * perSecond;
      // A machine that cannot keep up sends less.
      while (this.#sent < due && this.#underWay.size < 100) this.#send();
      this.#sent = Math.max(this.#sent, Math.floor(due));
    }, 50);
  }

  #send(): void {
    this.#sent += 1;
    const number = this.#sent;
    const one = this.#ask(number).finally(() => this.#underWay.delete(one));
    this.#underWay.add(one);
  }

  async #ask(number: number): Promise<void> {
    const hangsUp = number % 50 === 0;
    const model = hangsUp
      ? 'sim-stall-3'
      : number % 20 === 0
        ? 'sim-truncate-3'
        : `sim-tokens-${2 + (number % 5)}`;
    const signal = AbortSignal.timeout(hangsUp ? 300 : 20_000);
    const messages = [{ role: 'user', content: `Question ${number}` }];
    try {
      const { body } = await request(this.#url, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model, stream: number % 2 === 0, messages }),
        signal,
      });
      await body.dump();
    } catch {
      // As those do that break off, and those that are left.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    await this.#agent.close();
  }
}
