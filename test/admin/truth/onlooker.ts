import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExchangesTick } from '../../../src/admin/api/events.ts';
import type { ExchangeLine, ExchangesWindow } from '../../../src/admin/api/exchanges.ts';
import type { TraceView } from '../../../src/admin/api/traces.ts';
import type { Random } from '../../support/random.ts';
import { readEvents } from '../read-events.ts';

type Get = <Answer>(path: string) => Promise<Answer>;

export function getFrom(adminUrl: string): Get {
  return async <Answer>(path: string) => {
    const reply = await fetch(adminUrl + path);
    assert.equal(reply.status, 200, path);
    return (await reply.json()) as Answer;
  };
}

/** All that have ended after one, in the order in which they did, page by page. */
export async function endedSince(get: Get, after: number, limit: number): Promise<ExchangeLine[]> {
  const lines: ExchangeLine[] = [];
  for (let before = ''; ; before = `&before=${lines.at(-1)?.seq}`) {
    const path = `/api/exchanges?state=ended&after=${after}&limit=${limit}${before}`;
    const { exchanges, isMore } = await get<ExchangesWindow>(path);
    lines.push(...exchanges);
    if (!isMore) return lines.reverse();
  }
}

/** Follows what ends by the events, over a stream that is cut off again and again. */
export class Follower {
  readonly lines: ExchangeLine[] = [];
  cuts = 0;
  readonly #adminUrl: string;
  readonly #get: Get;
  readonly #random: Random;
  #leave: () => Promise<unknown> = async () => undefined;
  #isOver = false;

  constructor(adminUrl: string, random: Random) {
    this.#adminUrl = adminUrl;
    this.#get = getFrom(adminUrl);
    this.#random = random;
  }

  /** Until `stop`. */
  async run(): Promise<void> {
    while (!this.#isOver) {
      await this.#follow(this.#random.integer(1, 4));
      this.cuts += 1;
    }
    // What a new stream says at once is all that there is.
    await this.#follow(1);
  }

  /** When nothing runs any more: it goes for the last of them. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#leave();
  }

  async #follow(ticks: number): Promise<void> {
    const events = readEvents<ExchangesTick>(await fetch(`${this.#adminUrl}/api/events`));
    this.#leave = () => events.leave();
    // After the last there is none to wait for.
    for (let left = this.#isOver ? 1 : ticks; left > 0; ) {
      const [event] = await events.take(1);
      if (!event) return;
      if (event.event !== 'exchanges') continue;
      left -= 1;
      const known = this.lines.at(-1)?.seq ?? 0;
      if (event.data.newest > known) this.lines.push(...(await endedSince(this.#get, known, 7)));
      assert.ok((this.lines.at(-1)?.seq ?? 0) >= event.data.newest, 'what was told of is there');
    }
    await events.leave();
  }
}

/** Looks at what runs, and at its traces, again and again. */
export class Watcher {
  readonly lines: ExchangeLine[] = [];
  readonly traces: TraceView[] = [];
  readonly #get: Get;
  readonly #random: Random;
  #isOver = false;

  constructor(adminUrl: string, random: Random) {
    this.#get = getFrom(adminUrl);
    this.#random = random;
  }

  async run(): Promise<void> {
    while (!this.#isOver) {
      const { exchanges } = await this.#get<ExchangesWindow>('/api/exchanges?state=in_flight&limit=1000');
      this.lines.push(...exchanges);
      const sampled = exchanges.filter(({ isSampled }) => isSampled);
      for (let i = 0; i < Math.min(4, sampled.length); i += 1)
        this.traces.push(await this.#get(`/api/traces/${this.#random.pick(sampled).traceId}`));
      // What it looks at wants to get on as well.
      await delay(5);
    }
  }

  stop(): void {
    this.#isOver = true;
  }
}
